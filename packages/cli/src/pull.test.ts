import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareWeights } from '@longtake/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { COMMIT, filesOf, TestHub } from '../../runtime/test/hub-server.js'
import { dataPath, type RunOptions, runCli } from '../test/run-cli.js'

const FILES = filesOf(fileURLToPath(new URL('../../tiny/checkpoint', import.meta.url)))
const ID = 'org/tiny'

let hub: TestHub
let home: string
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'longtake-cli-hub-'))
  hub = await TestHub.open(FILES)
})
afterEach(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

const run = (argv: readonly string[], { env, ...options }: RunOptions = {}) =>
  runCli(argv, { ...options, env: { HF_ENDPOINT: hub.endpoint, LONGTAKE_HOME: home, ...env } })

test('a pulled model answers, is listed and is removed', async () => {
  const pulled = await run(['pull', ID])
  expect(pulled.stderr).toMatch(/^pull: 4\.2 MB of 4\.2 MB, 9\/9 files/m)
  expect(pulled.stderr).not.toContain('\r')
  expect(pulled).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^org\/tiny {2}0123456789ab {2}9 files/),
  })
  const question = [dataPath('demo/0000.mp4'), 'What caption is on the cyan circle?', '--quiet']
  expect(await run(['ask', ...question, '--model', ID])).toEqual({ code: 0, stdout: 'k\n', stderr: '' })
  expect((await run(['models'])).stdout).toMatch(/^org\/tiny {2}main \(0123456789ab\), 4\.2 MB/m)
  expect(JSON.parse((await run(['models', '--json'])).stdout).models[1]).toMatchObject({
    id: ID,
    source: 'hub',
    commit: COMMIT,
    present: true,
  })
  expect(await run(['models', 'rm', ID])).toEqual({
    code: 0,
    stdout: 'Removed org/tiny: 4.2 MB\n',
    stderr: '',
  })
  expect(existsSync(join(home, 'models', 'org', 'tiny'))).toBe(false)
  expect(await run(['models', 'rm', ID])).toMatchObject({ code: 4 })
})

test('--json prints one object, and --offline asks nobody', async () => {
  expect(await run(['pull', ID, '--offline'])).toMatchObject({ code: 4, stdout: '' })
  expect(hub.requests).toEqual([])
  const { stdout, stderr } = await run(['pull', ID, '--revision', 'v1', '--json', '--quiet'])
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toMatchObject({ id: ID, commit: COMMIT, revisions: ['v1'], files: FILES.size })
  const { length } = hub.requests
  expect((await run(['pull', `${ID}@v1`, '--offline', '--json'])).stdout).toBe(stdout)
  expect(hub.requests.length).toBe(length)
})

test('progress is one live line on a terminal, within its width', async () => {
  const { stderr } = await run(['pull', ID], { terminal: 'all', columns: 60, env: { NO_COLOR: '1' } })
  const painted = stderr.split('\r').filter((line) => line.includes(' files'))
  expect(painted.length).toBeGreaterThan(0)
  for (const line of painted) expect(line.replace('\u001b[K', '').length).toBeLessThan(60)
  expect(stderr.endsWith('\r\u001b[K')).toBe(true)
})

test('plan describes a model before it is downloaded, and after', async () => {
  const argv = ['plan', dataPath('demo/0000.mp4'), '--model', ID, '--frames', '32', '--weights', 'int4']
  expect(await run([...argv, '--offline'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('longtake pull org/tiny'),
  })
  expect(hub.requests).toEqual([])
  const { stdout, stderr, code } = await run(argv)
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  expect(stdout).toMatch(/^download {2}4\.2 MB in 9 files: longtake pull/m)
  expect(stdout).toMatch(/^weights {3}2\.1 million parameters: fp32 8\.3 MB, int8 3\.1 MB, int4 2\.2 MB$/m)
  const before = JSON.parse((await run([...argv, '--json'])).stdout)
  expect(hub.requestsFor('tokenizer.json')).toEqual([])
  await run(['pull', ID, '--quiet'])
  const { length } = hub.requests
  const after = JSON.parse((await run([...argv, '--json'])).stdout)
  expect(hub.requests).toHaveLength(length)
  expect(after.plan).toEqual(before.plan)
  const { download, machine, fits, ...sizes } = before.resources
  expect(after.resources).toMatchObject({ ...sizes, download: { bytes: 0, files: 0 } })
})

test('failures are a sentence and exit code 4; wrong usage is 2, an interrupt 130', async () => {
  hub.fault = (_request, response) => Boolean(response.writeHead(403).end())
  const denied = await run(['pull', ID], { env: { HF_TOKEN: 'hf_secret', LONGTAKE_DEBUG: '1' } })
  expect(denied.stderr).toContain('HF_TOKEN')
  expect(denied.stderr).not.toContain('hf_secret')
  expect(denied.code).toBe(4)
  expect(await run(['pull', 'nonsense'])).toMatchObject({ code: 2 })
  expect(await run(['pull', ID], { signal: AbortSignal.abort() })).toMatchObject({ code: 130 })
  const missing = await run(['ask', dataPath('demo/0000.mp4'), 'What?', '--model', ID])
  expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining('longtake pull org/tiny') })
})

test('prepared weights are listed, and removed with their model or by its folder', async () => {
  const { folder } = JSON.parse((await run(['pull', ID, '--json', '--quiet'])).stdout)
  const copy = join(home, 'copy')
  cpSync(folder, copy, { recursive: true })
  const builds = { folder: join(home, 'builds'), always: true }
  for (const place of [folder, copy]) await prepareWeights(place, { weights: 'int4', builds })
  const { prepared } = JSON.parse((await run(['models', '--json'])).stdout)
  expect(prepared.map(({ source }: { source: string }) => source).sort()).toEqual([copy, folder].sort())
  expect((await run(['models'])).stdout).toContain(`prepared as int4, 2.1 MB  of ${copy}`)
  expect((await run(['models', 'rm', home])).code).not.toBe(0)
  expect((await run(['models', 'rm', copy])).stdout).toBe(`Removed ${copy}, prepared: 2.1 MB\n`)
  expect((await run(['models', 'rm', ID])).stdout).toBe('Removed org/tiny: 6.3 MB\n')
  expect(readdirSync(builds.folder)).toEqual([])
})

test('pull tells what it prepared, and nothing where the weights are few', async () => {
  expect(JSON.parse((await run(['pull', ID, '--json', '--quiet'])).stdout).prepared).toBeNull()
  expect((await run(['pull', ID, '--no-prepare', '--quiet'])).stdout).not.toContain('prepared')
  expect(existsSync(join(home, 'builds'))).toBe(false)
})
