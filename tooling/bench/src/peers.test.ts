import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { installPeer } from './peer-install.js'
import { PeerWorker } from './peer-worker.js'
import { peers } from './peers.js'
import { runBench } from './run-bench.js'
import { withScratch } from './scratch.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-peers-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function bench(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await runBench([peers], ['peers', '--json', ...args], {
    stdout: (text) => out.push(text),
    stderr: (text) => err.push(text),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('peers that cannot be installed are left out, the result says why, and nothing stays behind', async () => {
  // A registry that nobody serves, and a cache that has nothing.
  const environment = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(folder, 'cache'),
    npm_config_fetch_retries: '0',
    TMPDIR: folder,
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  try {
    const { code, out } = await bench()
    expect(code).toBe(0)
    const { cases, missing, versions } = JSON.parse(out)
    expect({ cases, versions }).toEqual({ cases: [], versions: {} })
    expect(missing).toEqual([
      { peer: 'llama.cpp', reason: expect.stringMatching(/^llama\.cpp could not be installed/) },
      { peer: 'transformers.js', reason: expect.stringMatching(/^transformers\.js could not be installed/) },
    ])
    const left = await readdir(folder)
    expect(left.filter((name) => name.startsWith('longtake-peers-') && !name.includes('test'))).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
})

test.each([
  ['--peers', 'ollama'],
  ['--contexts', '100'],
  ['--contexts', '17000'],
  ['--shape', 'vicuna-7b'],
])('refuses %s %s by name before anything is installed', async (option, value) => {
  const { code, out, err } = await bench(option, value)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(option)
})

test('kernels are measured without any peer', async () => {
  const { code, out } = await bench('--kernels', '--threads', '1')
  expect(code).toBe(0)
  const { kernels, threads } = JSON.parse(out)
  expect(threads).toBe(1)
  expect(kernels).toHaveLength(8)
  for (const { flopsPerCore } of kernels) expect(flopsPerCore).toBeGreaterThan(1e6)
})

test('without npm the failure names the peer', async () => {
  const { signal } = new AbortController()
  await expect(
    installPeer('transformers.js', join(folder, 'none'), signal, 'no-such-npm'),
  ).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    message: expect.stringContaining('transformers.js'),
  })
})

test('a peer whose process ends answers with a typed error', async () => {
  const { signal } = new AbortController()
  const worker = new PeerWorker(new URL('./no-such-peer.js', import.meta.url), signal)
  await expect(worker.ask({ work: 'prefill', held: 0, tokens: 1 })).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
  })
})

test('a temporary folder is gone when the work fails', async () => {
  let used = ''
  const work = withScratch('longtake-scratch-', async (scratch) => {
    used = scratch.folder
    await writeFile(join(used, 'file'), 'text')
    throw new RangeError('no')
  })
  await expect(work).rejects.toThrow(RangeError)
  expect(existsSync(used)).toBe(false)
})

test.skipIf(process.platform === 'win32')(
  'a temporary folder is gone when the process is interrupted',
  async () => {
    const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
    const project = fileURLToPath(new URL('../tsconfig.json', import.meta.url))
    const dist = join(folder, 'dist')
    const output = [
      '--outDir',
      dist,
      '--noCheck',
      '--declaration',
      'false',
      '--declarationMap',
      'false',
      '--sourceMap',
      'false',
    ]
    const compile = [join(compiler, '..', 'bin', 'tsc'), '-p', project, ...output]
    await promisify(execFile)(process.execPath, compile)
    await writeFile(join(dist, 'package.json'), '{"type":"module"}')
    await writeFile(
      join(dist, 'wait.js'),
      `import { writeFileSync } from 'node:fs'
     import { withScratch } from './scratch.js'
     await withScratch('longtake-scratch-', async ({ folder }) => {
       writeFileSync(folder + '/file', 'text')
       process.stdout.write(folder)
       await new Promise((resolve) => setTimeout(resolve, 60_000))
     })`,
    )
    const child = spawn(process.execPath, [join(dist, 'wait.js')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [text] = await once(child.stdout, 'data')
    const used = String(text)
    expect(existsSync(used)).toBe(true)
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    expect(code).toBe(130)
    expect(existsSync(used)).toBe(false)
  },
)
