import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishWorkspaces, startRegistry } from './index.js'

const run = promisify(execFile)
/** Nothing listens there, so that no test waits for a network. */
const NOWHERE = 'http://127.0.0.1:9/'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-publish-'))
  await writeJson('package.json', { private: true, workspaces: ['packages/*'] })
  await writeJson('packages/core/package.json', { name: '@longtake/core', version: '1.2.3' })
  await writeJson('packages/tests/package.json', { name: '@longtake/tests', version: '1.0.0', private: true })
  await mkdir(join(root, 'node_modules/@longtake'), { recursive: true })
  await run('npm', ['install', '--offline', '--no-audit'], { cwd: root })
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function writeJson(path: string, content: unknown): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), JSON.stringify(content))
}

const options = () => ({ uplink: NOWHERE, cache: join(root, 'cache') })

test('serves what the repository publishes, and nothing private', async () => {
  await using registry = await startRegistry(options())
  expect(await publishWorkspaces(registry, root)).toEqual([{ name: '@longtake/core', version: '1.2.3' }])
  const published = await fetch(new URL('@longtake/core', registry.url))
  expect(await published.json()).toMatchObject({ 'dist-tags': { latest: '1.2.3' } })
  expect((await fetch(new URL('@longtake/tests', registry.url))).status).toBe(404)
})

test('forgets what was published, and leaves nothing behind', async () => {
  const first = await startRegistry(options())
  await publishWorkspaces(first, root)
  await first.close()
  expect(existsSync(first.folder)).toBe(false)
  await expect(fetch(first.url)).rejects.toThrow()
  await using second = await startRegistry(options())
  expect((await fetch(new URL('@longtake/core', second.url))).status).toBe(404)
})

test('ends with its owner, whatever ends that', async () => {
  const module = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)
  const program = `import { startRegistry } from ${module}
    const { folder } = await startRegistry(${JSON.stringify(options())})
    console.log(folder)`
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program])
  const [folder] = await once(owner.stdout, 'data')
  expect(existsSync(String(folder).trim())).toBe(true)
  owner.kill('SIGKILL')
  while (existsSync(String(folder).trim())) await sleep(50)
})
