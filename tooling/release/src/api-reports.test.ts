import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { apiReports, reportProblems } from './api-reports.js'

const NODE_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-reports-'))
  await symlink(NODE_MODULES, join(root, 'node_modules'))
  await write('package.json', JSON.stringify({ workspaces: ['packages/*'] }))
  await write(
    'packages/small/package.json',
    JSON.stringify({
      name: '@longtake/small',
      version: '1.0.0',
      type: 'module',
      exports: { '.': { default: './dist/index.js' }, './more': { default: './dist/more.js' } },
    }),
  )
  await write(
    'packages/small/dist/index.d.ts',
    "import type { Shape } from './more.js';\nexport declare function draw(shape: Shape): void;\n",
  )
  await write('packages/small/dist/more.d.ts', 'export interface Shape { readonly sides: number }\n')
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

test('a report follows what an entry exports, and nothing else', async () => {
  expect(reportProblems(await apiReports({ root, write: true })).length).toBe(2)
  expect(await readFile(join(root, 'etc/api/small.api.md'), 'utf8')).toContain(
    'export function draw(shape: Shape): void;',
  )
  // `Shape` is another entry's.
  expect(reportProblems(await apiReports({ root, write: false }))).toEqual([])

  await write('etc/api/gone.api.md', '')
  await write(
    'packages/small/dist/more.d.ts',
    'interface Point { readonly x: number }\nexport interface Shape { readonly corners: readonly Point[] }\nexport {};\n',
  )
  expect(reportProblems(await apiReports({ root, write: false }))).toEqual([
    'etc/api/small.more.api.md is not what @longtake/small/more exports now: run `npm run -s api-reports -- --write` and commit it.',
    '@longtake/small/more speaks of Point, which nobody can import: export the type.',
    'etc/api/gone.api.md is of an entry that is gone: run `npm run -s api-reports -- --write` and commit it.',
  ])
})

async function write(path: string, text: string): Promise<void> {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
