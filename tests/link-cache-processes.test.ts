import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LinkCache, openLink } from '../packages/runtime/src/link/index.js'
import { type LinkServer, serve, startServer, TO_TESTS } from '../packages/runtime/test/link-server.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const MAX_BYTES = 3_000_000
const PROCESSES = 3
const KILLS = 8

/** Four files of a megabyte; which version of them is served changes. */
const content = (path: string, version: number): Buffer => {
  const blocks = Array.from({ length: 32_768 }, (_, index) =>
    createHash('sha256').update(`${path} ${version} ${index}`).digest(),
  )
  return Buffer.concat(blocks)
}

let install: PlainInstall
let server: LinkServer
let version = 0
const files = new Map<string, Buffer>()

beforeAll(async () => {
  install = await installPlain()
  server = await startServer((request, response) => {
    const path = request.url ?? ''
    const now = version
    const key = `${path} ${now}`
    const bytes = files.get(key) ?? content(path, now)
    files.set(key, bytes)
    serve(request, response, bytes, { etag: `"${now}"`, ranges: path !== '/3' })
  })
})

afterAll(async () => {
  await server?.close()
  await install?.remove()
})

/** Reads links without end, and complains about the first bytes that are of no version. */
const READER = `
  const { LinkCache, openLink } = await import('./node_modules/@longtake/runtime/dist/link/index.js')
  const { createHash } = await import('node:crypto')
  const { folder, origin, maxBytes } = JSON.parse(process.env.SETUP)
  const cache = new LinkCache({ folder, maxBytes })
  const policy = { ports: 'any', allowNetworks: ['127.0.0.1'] }
  const isRight = (bytes, path, at) => [0, 1, 2].some((version) => {
    for (let block = 0; block < bytes.length / 32; block++) {
      const text = path + ' ' + version + ' ' + (at / 32 + block)
      const wanted = createHash('sha256').update(text).digest()
      if (!wanted.equals(bytes.subarray(block * 32, block * 32 + 32))) return false
    }
    return true
  })
  for (let round = 0; ; round++) {
    const path = '/' + (round + process.pid) % 4
    try {
      const link = await openLink(origin + path, { policy, cache })
      const at = (round * 96_000) % 900_000
      if (!isRight(Buffer.from(await link.read(at, at + 64_000)), path, at)) console.log('wrong', path, at)
      await link.close()
      console.log('read')
    } catch (error) {
      if (error.code !== 'LINK_CHANGED') console.log('failed', error.code, error.message)
    }
  }
`

test('processes that share a folder and are killed at any moment leave nothing wrong in it', async () => {
  const folder = temporaryPath('links')
  const setup = JSON.stringify({ folder, origin: server.origin, maxBytes: MAX_BYTES })
  const output: string[] = []
  const launch = (): ChildProcess => {
    const options = {
      cwd: install.folder,
      env: { PATH: process.env.PATH, TMPDIR: temporaryPath(), SETUP: setup },
    }
    const child = spawn(process.execPath, ['--input-type=module', '--eval', READER], options)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => output.push(...text.trim().split('\n')))
    }
    return child
  }
  const end = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  const children = Array.from({ length: PROCESSES }, launch)
  for (let kill = 0; kill < KILLS; kill++) {
    const before = output.length
    while (output.length < before + 30 && output.every((line) => line === 'read')) await pause(5)
    version = kill % 3
    await end(children[kill % PROCESSES]!)
    children[kill % PROCESSES] = launch()
  }
  await Promise.all(children.map(end))
  expect(new Set(output)).toEqual(new Set(['read']))

  const cache = new LinkCache({ folder, maxBytes: MAX_BYTES })
  for (const path of ['/0', '/1', '/2', '/3', '/0']) {
    const link = await openLink(server.origin + path, { policy: TO_TESTS, cache })
    const bytes = Buffer.from(await link.read(0, await link.size()))
    await link.close()
    expect(bytes.equals(content(path, version)), path).toBe(true)
  }
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => stat(join(folder, name))))
  const bytes = sizes.reduce((sum, facts) => sum + (facts.isFile() ? facts.size : 0), 0)
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES)
  expect(names.filter((name) => name.endsWith('.part'))).toEqual([])
})
