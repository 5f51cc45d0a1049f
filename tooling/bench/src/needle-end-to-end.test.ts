import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MODEL = join(ROOT, 'tests/data/parity/video_llava_guide')
/** Below `node_modules`, so that dependencies are found. */
const FOLDER = join(ROOT, 'node_modules', '.cache', `longtake-bench-${process.pid}`)
const PACKAGES = {
  core: 'packages/core',
  kernels: 'packages/kernels',
  runtime: 'packages/runtime',
  bench: 'tooling/bench',
}

// The benchmark starts processes of its own, which need compiled modules.
beforeAll(async () => {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(compiler, '..', 'bin', 'tsc')
  for (const [name, source] of Object.entries(PACKAGES)) {
    const target = join(FOLDER, 'node_modules', '@longtake', name)
    await mkdir(target, { recursive: true })
    await cp(join(ROOT, source, 'package.json'), join(target, 'package.json'))
    const output = [
      '--outDir',
      join(target, 'dist'),
      '--declaration',
      'false',
      '--declarationMap',
      'false',
      '--sourceMap',
      'false',
    ]
    await run(process.execPath, [tsc, '-p', join(ROOT, source, 'tsconfig.json'), '--noCheck', ...output])
  }
})
afterAll(() => rm(FOLDER, { recursive: true, force: true }))

test('needle prints a cell for every length and place, and draws both pictures', {
  timeout: 300_000,
}, async () => {
  const out = join(FOLDER, 'pictures')
  const program = join(FOLDER, 'node_modules/@longtake/bench/dist/main.js')
  const options = ['--minutes', '2,3', '--videos', '1', '--follow-up', '1', '--follow-up-minutes', '2']
  const args = [program, 'needle', '--json', '--model', MODEL, '--out', out, ...options]
  // A random model finds nothing, so the bound is missed: exit code 1, with the whole result on stdout.
  const ended = await run(process.execPath, args, { cwd: FOLDER }).catch((error: unknown) => error)
  const { code, stdout } = ended as { readonly code: number; readonly stdout: string }
  expect(code).toBe(1)
  const { cells, lengths, followUp, seed, environment } = JSON.parse(stdout)
  expect(seed).toBe(1)
  expect(environment).toMatchObject({ model: { id: MODEL }, videos: 1 })
  expect(cells).toHaveLength(2 * 5)
  for (const cell of cells) {
    expect(cell).toMatchObject({ answers: 2, frames: expect.any(Number), seconds: expect.any(Number) })
    expect(cell.accuracy).toBeLessThan(0.9)
    expect(cell.visualTokens).toBeLessThan(cell.contextTokens)
    expect(cell.peakBytes).toBeGreaterThan(10e6)
  }
  expect(lengths.map(({ minutes }: { minutes: number }) => minutes)).toEqual([2, 3])
  for (const { minutes, intervalSeconds, frames } of lengths) {
    expect(intervalSeconds * frames).toBeCloseTo(minutes * 60, 6)
  }
  expect(followUp.ratio).toBeCloseTo(followUp.firstSeconds.median / followUp.followUpSeconds.median, 6)
  for (const name of ['needle-heatmap.png', 'needle-length.png']) {
    expect(decode(await readFile(join(out, name))).width).toBeGreaterThan(200)
  }
})
