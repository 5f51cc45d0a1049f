import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LongtakeErrorCode } from '@longtake/core'
import { expect, test } from 'vitest'
import { DOCS, ROOT } from './paths.js'

/** Complete and without others, or it does not compile. */
const CODES = {
  INVALID_OPTION: true,
  INVALID_SETTINGS: true,
  SHAPE: true,
  CANCELLED: true,
  VIDEO_NOT_FOUND: true,
  VIDEO_UNREADABLE: true,
  VIDEO_NOT_A_VIDEO: true,
  VIDEO_NO_VIDEO_TRACK: true,
  VIDEO_UNSUPPORTED_CODEC: true,
  VIDEO_TRUNCATED: true,
  VIDEO_EMPTY: true,
  VIDEO_TOO_LARGE: true,
  LINK_REFUSED: true,
  LINK_NOT_FOUND: true,
  LINK_NOT_MEDIA: true,
  LINK_UNREACHABLE: true,
  LINK_TOO_SLOW: true,
  LINK_TOO_LARGE: true,
  LINK_CHANGED: true,
  LINK_BROKEN: true,
  CHECKPOINT_NOT_FOUND: true,
  CHECKPOINT_INVALID: true,
  CHECKPOINT_UNSUPPORTED: true,
  CHECKPOINT_TENSOR: true,
  CHECKPOINT_BUILD: true,
  HUB_DENIED: true,
  HUB_NOT_FOUND: true,
  HUB_UNREACHABLE: true,
  HUB_OFFLINE: true,
  HUB_INVALID: true,
  HUB_MISMATCH: true,
  HUB_NO_SPACE: true,
  HUB_STORE: true,
  CONTEXT_TOO_LONG: true,
  ENGINE_UNAVAILABLE: true,
  ENGINE_FAILED: true,
  ENGINE_CLOSED: true,
  ENGINE_CRASHED: true,
  ENGINE_TIMEOUT: true,
  JOBS_FULL: true,
  JOBS_CLOSED: true,
  JOBS_LOCKED: true,
  JOBS_STORE: true,
  JOB_TOO_LARGE: true,
  JOB_NOT_FOUND: true,
  JOB_CONFLICT: true,
  JOB_CANCELLED: true,
  JOB_EXPIRED: true,
  JOB_INTERRUPTED: true,
  JOB_FAILED: true,
} satisfies Record<LongtakeErrorCode, true>

const page = await readFile(join(DOCS, 'troubleshooting.md'), 'utf8')

test('every code of every typed error has its entry, and no other', () => {
  const entries = Array.from(page.matchAll(/^### (.+)$/gm), ([, code]) => code)
  expect(entries.toSorted()).toEqual(Object.keys(CODES).sort())
})

test('so has every code that the API answers with', async () => {
  const folder = join(ROOT, 'apps/edge-api/src')
  const paths = await readdir(folder, { recursive: true })
  const sources = await Promise.all(
    paths
      .filter((path) => path.endsWith('.ts') && !path.startsWith('page/') && !path.endsWith('.test.ts'))
      .map((path) => readFile(join(folder, path), 'utf8')),
  )
  const made = sources.join('\n').matchAll(/new ApiError\(\s*[\w.]+,\s*'(\w+)'|\bcode: '([a-z_]+)'/g)
  const codes = new Set(Array.from(made, ([, thrown, ruled]) => thrown ?? ruled ?? ''))
  expect(codes.size).toBeGreaterThan(20)
  expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})
