import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { isLongtakeError } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMIT, filesOf, sendRange, TestHub } from '../../test/hub-server.js'
import { load } from '../index.js'
import { pulledModels, removeModel } from './models.js'
import type { PullProgress } from './progress.js'
import { type PullOptions, pull, pullWith } from './pull.js'

const FILES = filesOf(fileURLToPath(new URL('../../../tiny/checkpoint', import.meta.url)))
const WEIGHTS = 'model.safetensors'
const VIDEO = fileURLToPath(new URL('../../../../tests/data/demo/0000.mp4', import.meta.url))
const ID = 'org/tiny'
const TOKEN = 'hf_secret_token'
const HASTE = { backoffMs: 1, stallMs: 10_000, segmentBytes: 2 ** 30 }

let hub: TestHub
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longtake-hub-'))
  hub = await TestHub.open(FILES)
})
afterEach(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const options = (more: PullOptions = {}): PullOptions => ({
  folder,
  endpoint: hub.endpoint,
  token: '',
  ...more,
})
const pullHere = (more?: PullOptions, id = ID) => pullWith(id, options(more), HASTE)

/** What a pull fails with; it must be an error of Longtake's, and leave nothing that `load` would find. */
async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isLongtakeError(error)) throw new Error('expected a failure of Longtake', { cause: error })
  expect(await pulledModels({ folder })).toEqual([])
  expect(inspect(error, { depth: 10 })).not.toContain(TOKEN)
  return { code: error.code, message: error.message }
}

/** Compares by bytes: a matcher would look at each of them as a number. */
function expectAll(place: string): void {
  const found = filesOf(place)
  expect([...found.keys()].sort()).toEqual([...FILES.keys()].sort())
  for (const [path, bytes] of FILES) expect(found.get(path)?.equals(bytes), path).toBe(true)
}

const entryOf = (path: string) => {
  const entry = hub.listed.find(({ rfilename }) => rfilename === path)
  if (entry === undefined) throw new Error(`no ${path}`)
  return entry
}

/** Replaces the answers for one file; `count` is how many were given before. */
function faultOf(
  path: string,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => boolean,
) {
  let count = 0
  hub.fault = (request, response, asked) => asked.endsWith(`/${path}`) && answer(request, response, count++)
}

/** Sends the head of a file, and cuts the connection. */
function cutAfter(bytes: Buffer, from: number, sent: number, response: ServerResponse): true {
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': bytes.length - from,
    ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  })
  response.write(bytes.subarray(from, from + sent), () => setTimeout(() => response.destroy(), 20))
  return true
}

const weights = FILES.get(WEIGHTS) ?? Buffer.alloc(0)
const startOf = ({ headers }: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)

describe('a pulled model', () => {
  test('is loaded and asked without the hub', async () => {
    const reports: PullProgress[] = []
    const pulled = await pullHere({ onProgress: (progress) => void reports.push(progress) })
    await hub[Symbol.asyncDispose]()
    const sizeBytes = [...FILES.values()].reduce((sum, { length }) => sum + length, 0)
    expect(pulled).toEqual({
      id: ID,
      commit: COMMIT,
      revisions: ['main'],
      folder: join(folder, 'org', 'tiny', COMMIT),
      files: FILES.size,
      sizeBytes,
    })
    expect(reports.at(-1)).toMatchObject({
      doneBytes: sizeBytes,
      totalBytes: sizeBytes,
      doneFiles: FILES.size,
    })
    expectAll(pulled.folder)
    expect(await pull(ID, options({ offline: true }))).toEqual(pulled)
    expect(new Set(hub.requests.map(({ headers }) => headers['accept-encoding']))).toEqual(
      new Set(['identity']),
    )
    await using longtake = await load(ID, { hub: { folder } })
    await using video = await longtake.watch(VIDEO, { frames: 32 })
    expect((await video.ask('What caption is on the cyan circle?')).text).toBe('k')
  })

  test('is not fetched twice, and a second name for its commit is only noted', async () => {
    await pullHere()
    const before = hub.requests.length
    const again = await pullHere({ revision: 'v1.0/final' })
    expect(hub.requests.length).toBe(before + 1)
    expect([...again.revisions].sort()).toEqual(['main', 'v1.0/final'])
    expect(await pullHere({ offline: true }, `${ID}@${COMMIT}`)).toEqual(again)
  })

  test('is listed, and gone when removed', async () => {
    const pulled = await pullHere()
    expect(await pulledModels({ folder })).toEqual([pulled])
    expect(await removeModel(ID, { folder })).toBe(pulled.sizeBytes)
    expect(existsSync(pulled.folder)).toBe(false)
    await expect(removeModel(ID, { folder })).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
  })

  test('is not found any more when a file of it is lost', async () => {
    const pulled = await pullHere()
    rmSync(join(pulled.folder, WEIGHTS))
    expect(await failureOf(load(ID, { hub: { folder } }))).toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    await pullHere()
    expectAll(pulled.folder)
  })
})

describe('load', () => {
  test('asks no hub unless told to, and names the command', async () => {
    const failure = await failureOf(load(`${ID}@v2`, { hub: { folder, endpoint: hub.endpoint } }))
    expect(failure.code).toBe('CHECKPOINT_NOT_FOUND')
    expect(failure.message).toContain('longtake pull org/tiny@v2')
    expect(hub.requests).toEqual([])
  })

  test('downloads with hub.pull, once', async () => {
    const hubOptions = { ...options(), pull: true }
    await (await load(ID, { hub: hubOptions })).close()
    const { length } = hub.requests
    await (await load(ID, { hub: hubOptions })).close()
    expect(hub.requests.length).toBe(length)
  })
})

describe('choice of files', () => {
  test('leaves out other weights, pictures and folders', async () => {
    const others = [
      'pytorch_model.bin',
      'onnx/model.onnx',
      'film.png',
      'README.md',
      'other/model.safetensors',
    ]
    hub.listed.push(...others.map((path) => ({ ...entryOf('config.json'), rfilename: path })))
    expectAll((await pullHere()).folder)
  })

  test('refuses a model without weights, or without a config', async () => {
    const all = hub.listed
    for (const path of [WEIGHTS, 'config.json']) {
      hub.listed = all.filter(({ rfilename }) => rfilename !== path)
      expect(await failureOf(pullHere())).toMatchObject({ code: 'CHECKPOINT_UNSUPPORTED' })
    }
  })
})

describe('connections', () => {
  test('that are cut go on where they stopped', async () => {
    const step = 1_500_000
    faultOf(WEIGHTS, (request, response, count) =>
      count < 2 ? cutAfter(weights, startOf(request), step, response) : false,
    )
    await pullHere()
    const ranges = hub.requestsFor(WEIGHTS).map((request) => request.headers.range)
    expect(ranges).toHaveLength(3)
    expect(ranges[0]).toBeUndefined()
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/)
  })

  test('that are interrupted go on in the next pull', async () => {
    const controller = new AbortController()
    faultOf(WEIGHTS, (_request, response) => {
      response.writeHead(200, { 'content-length': weights.length })
      response.write(weights.subarray(0, 2_000_000), () => setTimeout(() => controller.abort(), 300))
      return true
    })
    expect(await failureOf(pullHere({ signal: controller.signal }))).toMatchObject({
      code: 'CANCELLED',
    })
    hub.fault = () => false
    hub.requests.length = 0
    const pulled = await pullHere()
    expect(hub.requestsFor(WEIGHTS).map(({ headers }) => headers.range)).toEqual([
      expect.stringMatching(/^bytes=[1-9]\d*-$/),
    ])
    expectAll(pulled.folder)
    expect(readdirSync(join(folder, 'org', 'tiny')).sort()).toEqual([COMMIT, `${COMMIT}.json`, 'refs'])
  })

  test('start again where the file is another one since the cut', async () => {
    const other = randomBytes(weights.length)
    faultOf(WEIGHTS, (request, response, count) => {
      if (count > 0) return false
      response.setHeader('etag', '"of another file"')
      return cutAfter(other, startOf(request), 1_000_000, response)
    })
    expectAll((await pullHere()).folder)
  })

  test('that are always cut end the pull', async () => {
    faultOf(WEIGHTS, (request, response) => cutAfter(weights, startOf(request), 10, response))
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_UNREACHABLE' })
    expect(hub.requestsFor(WEIGHTS).length).toBeLessThan(10)
  })

  test('on which nothing comes count as cut', async () => {
    faultOf(WEIGHTS, (_request, response, count) => {
      if (count > 0) return false
      response.writeHead(200, { 'content-length': weights.length })
      return response.write(weights.subarray(0, 1)) || true
    })
    const pulled = await pullWith(ID, options(), { ...HASTE, stallMs: 1000 })
    expectAll(pulled.folder)
  })

  test.each([429, 503, 500])('answered %i are tried again', async (status) => {
    const faults = new Map<string, number>()
    hub.fault = (_request, response, path) => {
      const count = faults.get(path) ?? 0
      faults.set(path, count + 1)
      if (count > 0) return false
      response.writeHead(status, { 'retry-after': '0' }).end()
      return true
    }
    expectAll((await pullHere()).folder)
  })

  test('that nobody takes are told', async () => {
    const { endpoint } = hub
    await hub[Symbol.asyncDispose]()
    const failure = await failureOf(pullHere({ endpoint }))
    expect(failure).toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('a hub that contradicts itself', () => {
  test.each(['config.json', WEIGHTS])('sends %s with a wrong hash', async (path) => {
    const bytes = Buffer.from(FILES.get(path) ?? '')
    bytes[0] = (bytes[0] ?? 0) ^ 1
    faultOf(path, (request, response) => {
      sendRange(request, response, bytes)
      return true
    })
    expect(await failureOf(pullHere())).toMatchObject({
      code: 'HUB_MISMATCH',
      message: expect.stringContaining(path),
    })
    expect(existsSync(join(folder, 'org', 'tiny', COMMIT, path))).toBe(false)
  })

  test.each([-1, 1])('lists a size that is wrong by %i', async (difference) => {
    const size = weights.length + difference
    const lfs = entryOf(WEIGHTS).lfs as { sha256: string }
    Object.assign(entryOf(WEIGHTS), { size, lfs: { ...lfs, size } })
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_MISMATCH' })
  })

  test('sends without end', async () => {
    let sent = 0
    faultOf('config.json', (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && sent < 2 ** 30) {
          sent += 65_536
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', more)
        }
      }
      more()
      return true
    })
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_MISMATCH' })
    expect(sent).toBeLessThan(2 ** 30)
  })

  test('says more than the disk holds', async () => {
    Object.assign(entryOf(WEIGHTS), { lfs: { ...(entryOf(WEIGHTS).lfs as object), size: 2 ** 42 } })
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_NO_SPACE' })
    expect(hub.requestsFor(WEIGHTS)).toEqual([])
    expect(hub.requestsFor('tokenizer.json')).toEqual([])
  })

  test.each([
    '../../etc/passwd',
    '/etc/passwd',
    'a/../../b.json',
    'C:/x.json',
    'a\\b.json',
    'a\u0000.json',
    'a\u001b[2J.json',
    './config.json',
    'a//b.json',
    'CONFIG.json',
    'nul.json',
    '',
    7,
  ])('lists the path %j', async (rfilename) => {
    hub.listed.push({ ...entryOf('config.json'), rfilename })
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_INVALID' })
    expect(hub.requests).toHaveLength(1)
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    [{ size: -1 }],
    [{ size: 1.5 }],
    [{ size: 2 ** 50 }],
    [{ size: undefined }],
    [{ blobId: undefined }],
    [{ blobId: '../../x' }],
  ])('describes a file as %j', async (change) => {
    Object.assign(entryOf('config.json'), change)
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_INVALID' })
  })

  test.each(['', 'null', '[]', '{"sha":"x"}', `{"sha":"${COMMIT}"}`, '<html>'])(
    'answers %j',
    async (body) => {
      hub.fault = (_request, response) => Boolean(response.end(body))
      expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_INVALID' })
    },
  )
})

describe('access', () => {
  test.each([401, 403])('that is denied by %i says how to get it', async (status) => {
    hub.fault = (_request, response) => Boolean(response.writeHead(status).end())
    const failure = await failureOf(pullHere({ token: TOKEN }))
    expect(failure.code).toBe('HUB_DENIED')
    expect(failure.message).toContain(`${hub.endpoint}/${ID}`)
    expect(failure.message).toContain('HF_TOKEN')
    expect(hub.requests).toHaveLength(1)
  })

  test('to what is not there is another matter', async () => {
    hub.fault = (_request, response) => Boolean(response.writeHead(404).end())
    expect(await failureOf(pullHere({}, `${ID}@nope`))).toMatchObject({
      code: 'HUB_NOT_FOUND',
      message: expect.stringContaining('nope'),
    })
  })

  test('is asked for with the token, which no other host sees', async () => {
    await using elsewhere = await TestHub.open(FILES)
    faultOf(WEIGHTS, (request, response) =>
      Boolean(response.writeHead(302, { location: `${elsewhere.endpoint}${request.url}?signature=x` }).end()),
    )
    expectAll((await pullHere({ token: TOKEN })).folder)
    expect(new Set(hub.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${TOKEN}`]),
    )
    expect(elsewhere.requests).toHaveLength(1)
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test.each([
    ...['file:///etc/passwd', 'data:text/plain,x', ''],
    ...['http://169.254.169.254/latest', 'http://10.0.0.1/', 'http://192.168.0.1:8080/', 'http://[fd00::1]/'],
  ])('is not followed to %j', async (location) => {
    faultOf('config.json', (_request, response) => Boolean(response.writeHead(302, { location }).end()))
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_INVALID' })
  })

  test('is not followed in circles', async () => {
    hub.fault = (request, response) => Boolean(response.writeHead(302, { location: request.url ?? '' }).end())
    expect(await failureOf(pullHere())).toMatchObject({ code: 'HUB_INVALID' })
  })
})

describe('use', () => {
  test.each(['org', '../x', 'a/..', 'a/b/c', 'org/na me', 'org/name@', 'org/name@../x', '/etc/passwd', ''])(
    'refuses the id %j',
    async (id) => {
      expect(await failureOf(pullHere({}, id))).toMatchObject({ code: 'INVALID_OPTION' })
    },
  )

  test.each([
    { endpoint: 'ftp://127.0.0.1' },
    { endpoint: `http://me:${TOKEN}@127.0.0.1` },
    { endpoint: 'nowhere' },
    { token: `${TOKEN}\nx` },
    { revision: '../x' },
    { revision: `v${'/'.repeat(100)}` },
    { offline: 1 as unknown as boolean },
    { speed: 1 } as PullOptions,
  ])('refuses %j', async (more) => {
    expect(await failureOf(pullHere(more))).toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('offline finds only what is complete', async () => {
    expect(await failureOf(pullHere({ offline: true }))).toMatchObject({ code: 'HUB_OFFLINE' })
    expect(hub.requests).toEqual([])
  })

  test('of two at once is refused to one, unless the other is through', async () => {
    const both = await Promise.allSettled([pullHere(), pullHere()])
    const [pulled, ...others] = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expectAll(pulled?.folder ?? '')
    for (const other of others) expect(other).toEqual(pulled)
    const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    for (const error of failed) expect(error).toMatchObject({ code: 'HUB_STORE' })
  })

  test('of what another process pulls is refused; a process that ended is no other', async () => {
    const place = join(folder, 'org', 'tiny')
    mkdirSync(place, { recursive: true })
    const lock = join(place, `${COMMIT}.lock`)
    writeFileSync(lock, String(process.pid))
    expect(await failureOf(pullHere())).toMatchObject({
      code: 'HUB_STORE',
      message: expect.stringContaining(lock),
    })
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(lock, String(pid))
    expectAll((await pullHere()).folder)
    expect(existsSync(lock)).toBe(false)
  })

  test('removes one revision by its name', async () => {
    const { sizeBytes, folder: place } = await pullHere({ revision: 'v1' })
    await expect(removeModel(`${ID}@v2`, { folder })).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
    expect(await removeModel(`${ID}@v1`, { folder })).toBe(sizeBytes)
    expect(existsSync(place)).toBe(false)
    expect(await failureOf(pullHere({ offline: true }, `${ID}@v1`))).toMatchObject({ code: 'HUB_OFFLINE' })
  })

  test('of a folder that cannot be written says so', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    await expect(pullHere({ folder: file })).rejects.toMatchObject({ code: 'HUB_STORE' })
  })

  test('leaves files that only their owner reads', async () => {
    const { folder: place } = await pullHere()
    expect(statSync(join(place, WEIGHTS)).mode & 0o077).toBe(0)
    expect(JSON.parse(readFileSync(`${place}.json`, 'utf8'))).toMatchObject({
      version: 1,
      id: ID,
      commit: COMMIT,
    })
  })
})
