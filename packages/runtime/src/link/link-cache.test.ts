import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLongtakeError } from '@longtake/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LinkServer, type Served, serve, startServer, TO_TESTS } from '../../test/link-server.js'
import { LinkCache, type LinkedVideo, type LinkPolicy, openLink } from './index.js'

const BLOCK = 65_536
const NOISE = randomBytes(3_000_001)
const OTHER = randomBytes(3_000_001)
const servers: LinkServer[] = []
const opened: LinkedVideo[] = []
let folder = ''
let cache: LinkCache

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longtake-link-cache-'))
  cache = new LinkCache({ folder })
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((link) => link.close()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(listener: RequestListener): Promise<LinkServer> {
  const server = await startServer(listener)
  servers.push(server)
  return server
}

/** A server whose file and headers can be changed. */
async function startFile(served: Served = { etag: '"1"' }, bytes: Uint8Array = NOISE) {
  const file = { bytes, served }
  const server = await start((request, response) => serve(request, response, file.bytes, file.served))
  return { server, file, url: `${server.origin}/noise.mp4` }
}

async function open(url: string, policy: LinkPolicy = {}, from = cache): Promise<LinkedVideo> {
  const link = await openLink(url, { policy: { ...TO_TESTS, ...policy }, cache: from })
  opened.push(link)
  return link
}

/** Reads ranges, closes, and tells what was read and how many bytes were fetched for it. */
async function read(url: string, ranges: readonly (readonly [number, number])[], policy: LinkPolicy = {}) {
  const link = await open(url, policy)
  const pieces = []
  for (const [from, to] of ranges) pieces.push(await link.read(from, to))
  await link.close()
  return { bytes: Buffer.concat(pieces), fetched: link.fetchedBytes, facts: link.facts }
}

const ALL = [[0, NOISE.length]] as const
const SOME = [
  [0, 100],
  [1_000_000, 1_300_000],
  [2_999_000, 3_000_001],
] as const
const expected = (bytes: Uint8Array, ranges: readonly (readonly [number, number])[] = ALL) =>
  Buffer.concat(ranges.map(([from, to]) => bytes.subarray(from, to)))

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isLongtakeError(error) ? error.code : String(error)),
  )

/** Paths of all files in the cache, those of pieces by their number in the file. */
const files = (): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort()
const sizeOf = (): number => files().reduce((sum, path) => sum + statSync(path).size, 0)
const pieces = () => files().filter((path) => path.endsWith('.piece'))

describe('a file that is the same', () => {
  test('by its tag is asked about and not fetched again', async () => {
    const { server, url } = await startFile()
    const first = await read(url, SOME)
    expect(first.bytes.equals(expected(NOISE, SOME))).toBe(true)
    expect(server.requests[0]?.tag).toBe(undefined)
    const before = server.requests.length
    const second = await read(url, SOME)
    expect(second.bytes.equals(first.bytes)).toBe(true)
    expect(second.facts).toEqual(first.facts)
    expect(second.fetched).toBe(0)
    expect(server.requests.slice(before)).toEqual([
      { path: '/noise.mp4', range: `bytes=0-${BLOCK - 1}`, tag: '"1"' },
    ])
  })

  test('is fetched where it was not read before, and then whole', async () => {
    const { url } = await startFile()
    await read(url, SOME)
    const rest = await read(url, ALL)
    expect(rest.bytes.equals(NOISE)).toBe(true)
    expect(rest.fetched).toBeGreaterThan(2_000_000)
    expect(rest.fetched).toBeLessThan(NOISE.length - 300_000)
    const again = await read(url, ALL, { limits: { memoryBytes: 2 ** 20 } })
    expect(again.bytes.equals(NOISE)).toBe(true)
    expect(again.fetched).toBe(0)
  })

  test.each<[string, Served, number]>([
    ['by its date', { modified: 'Wed, 21 Oct 2015 07:28:00 GMT' }, BLOCK],
    ['by its date beside a weak tag', { etag: 'W/"1"', modified: 'Wed, 21 Oct 2015 07:28:00 GMT' }, BLOCK],
    ['by its tag, from a server that sends it all the same', { etag: '"1"', conditions: false }, BLOCK],
  ])('%s costs a block', async (_, served, most) => {
    const { url } = await startFile(served)
    await read(url, ALL)
    const { bytes, fetched } = await read(url, ALL)
    expect(bytes.equals(NOISE)).toBe(true)
    expect(fetched).toBe(most)
  })

  test('is read by many at once, with and without memory', async () => {
    const { url } = await startFile()
    await read(url, [[0, 1_500_000]])
    const link = await open(url, { limits: { memoryBytes: 2 ** 20 } })
    const starts = Array.from({ length: 60 }, (_, index) => (index * 7_919_111) % NOISE.length)
    const readAll = () =>
      Promise.all(
        starts.map(async (from) => {
          const bytes = await link.read(from, from + 150_000)
          expect(Buffer.from(bytes).equals(NOISE.subarray(from, from + 150_000))).toBe(true)
        }),
      )
    await readAll()
    const before = link.fetchedBytes
    await readAll()
    expect(link.fetchedBytes).toBe(before)
  })

  test('served whole is not downloaded again', async () => {
    const { server, url } = await startFile({ etag: '"1"', ranges: false })
    expect((await read(url, ALL)).facts.way).toBe('spool')
    const { bytes, fetched, facts } = await read(url, ALL)
    expect(bytes.equals(NOISE)).toBe(true)
    expect({ fetched, way: facts.way, type: facts.mimeType }).toEqual({
      fetched: 0,
      way: 'spool',
      type: 'video/mp4',
    })
    expect(server.requests).toHaveLength(2)
  })

  test('served whole, with a date alone, is broken off', async () => {
    const large = randomBytes(20_000_000)
    const { url } = await startFile({ modified: 'Wed, 21 Oct 2015 07:28:00 GMT', ranges: false }, large)
    await read(url, [])
    const { bytes, fetched } = await read(url, [[0, large.length]])
    expect(bytes.equals(large)).toBe(true)
    expect(fetched).toBe(0)
  })

  test('behind a page that is read by range is not fetched again, and neither is the page', async () => {
    const page = Buffer.from(`<!doctype html><video src="/film.mp4"></video>${'<p>'.repeat(50_000)}`)
    const server = await start((request, response) =>
      request.url === '/film.mp4'
        ? serve(request, response, NOISE, { etag: '"film"' })
        : serve(request, response, page, { etag: '"page"', type: 'text/html' }),
    )
    const first = await read(server.origin, ALL)
    const second = await read(server.origin, ALL)
    expect(second.bytes.equals(NOISE)).toBe(true)
    expect(second.facts).toEqual(first.facts)
    expect(second.fetched).toBe(0)
    expect(server.requests.slice(-2).map(({ tag }) => tag)).toEqual(['"page"', '"film"'])
  })

  test('of a playlist, segment by segment, is not downloaded again, and damage is', async () => {
    const list = ['#EXTM3U', '#EXT-X-TARGETDURATION:10', '#EXTINF:5,', 'a.ts', '#EXTINF:5,', 'b.ts']
    const text = [...list, '#EXT-X-ENDLIST', ''].join('\n')
    const parts: Record<string, Uint8Array> = { '/a.ts': NOISE, '/b.ts': OTHER }
    const server = await start((request, response) => {
      if (request.url === '/list.m3u8') response.end(text)
      else serve(request, response, parts[request.url!]!, { etag: '"1"', type: 'video/mp2t' })
    })
    const both = Buffer.concat([NOISE, OTHER])
    const url = `${server.origin}/list.m3u8`
    for (const fetched of [both.length, 0]) {
      const found = await read(url, [[0, both.length]])
      expect(found.bytes.equals(both)).toBe(true)
      expect(found.fetched).toBe(text.length + fetched)
    }
    await truncate(pieces()[0]!, 10)
    const mended = await read(url, [[0, both.length]])
    expect(mended.bytes.equals(both)).toBe(true)
    expect(await codeOf(open(url, { limits: { maxSpoolBytes: NOISE.length } }))).toBe('LINK_TOO_LARGE')
  })

  test('behind a signature that is another each time is not fetched again', async () => {
    const server = await start((request, response) => {
      const key = request.url?.split('?')[1] ?? ''
      const at = `/film.mp4?X-Amz-Signature=${servers[0]!.requests.length}`
      if (request.url === '/page') response.setHeader('content-type', 'text/html').end(`<video src="${at}">`)
      else if (request.url === '/to') response.writeHead(302, { location: at }).end()
      else if (key.startsWith('X-Amz-Signature=')) serve(request, response, NOISE, { etag: '"1"' })
      else response.writeHead(403).end()
    })
    for (const link of ['/page', '/to', '/film.mp4?X-Amz-Signature=given']) {
      const url = server.origin + link
      await read(url, ALL)
      const again = link.includes('?') ? `${url}2` : url
      const { bytes, fetched } = await read(again, ALL)
      expect(bytes.equals(NOISE)).toBe(true)
      expect(fetched, link).toBeLessThan(2 * BLOCK)
    }
    // Without its signature nobody gets it.
    expect(await codeOf(open(`${server.origin}/film.mp4`))).toBe('LINK_NOT_FOUND')
  })
})

describe('a file that is another', () => {
  test.each<[string, Served]>([
    ['by range', { etag: '"2"' }],
    ['whole', { etag: '"2"', ranges: false }],
    ['by its date', { etag: '"1"', modified: 'Wed, 21 Oct 2015 07:28:00 GMT' }],
  ])('is fetched, and the old one goes: %s', async (_, served) => {
    const { url, file } = await startFile({
      ...served,
      etag: '"1"',
      ...(served.modified && { modified: 'Thu, 01 Jan 2015 00:00:00 GMT' }),
      conditions: false,
    })
    await read(url, ALL)
    const before = pieces()
    file.bytes = OTHER
    file.served = { ...served, conditions: false }
    const { bytes } = await read(url, ALL)
    expect(bytes.equals(OTHER)).toBe(true)
    expect(before.filter((path) => existsSync(path))).toEqual([])
    expect(sizeOf()).toBeLessThan(NOISE.length + 10_000)
  })

  test('although its server says that its tag is the same, shows at its start', async () => {
    const { url, file } = await startFile({ etag: '"1"', conditions: false })
    await read(url, ALL)
    file.bytes = OTHER
    expect((await read(url, ALL)).bytes.equals(OTHER)).toBe(true)
  })

  test('at the same link by another redirect, with the same tag, is not mixed up', async () => {
    let to = '/a.mp4'
    const server = await start((request, response) => {
      if (request.url === '/to') response.writeHead(302, { location: to }).end()
      else serve(request, response, request.url === '/a.mp4' ? NOISE : OTHER, { etag: '"1"' })
    })
    const whole = await start((request, response) => {
      if (request.url === '/to') response.writeHead(302, { location: to }).end()
      else serve(request, response, request.url === '/a.mp4' ? NOISE : OTHER, { etag: '"1"', ranges: false })
    })
    for (const { origin } of [server, whole]) {
      for (const path of ['/a.mp4', '/b.mp4', '/a.mp4']) {
        to = path
        const { bytes } = await read(`${origin}/to`, ALL)
        expect(bytes.equals(path === '/a.mp4' ? NOISE : OTHER)).toBe(true)
      }
    }
  })

  test('while it is read is still noticed', async () => {
    const { url, file } = await startFile()
    await read(url, SOME)
    const link = await open(url)
    file.bytes = OTHER
    file.served = { etag: '"2"' }
    expect(Buffer.from(await link.read(0, 100)).equals(NOISE.subarray(0, 100))).toBe(true)
    expect(await codeOf(link.read(2_000_000, 2_000_001))).toBe('LINK_CHANGED')
  })

  test('of another length, with the same tag, in an answer of 304', async () => {
    const { url, server } = await startFile()
    await read(url, SOME)
    await server.close()
    const liar = await startServer(
      (request, response) =>
        request.headers['if-none-match'] === undefined
          ? serve(request, response, OTHER.subarray(0, 2_000_000), { etag: '"2"' })
          : response.writeHead(304, { etag: '"2"' }).end(),
      '127.0.0.1',
      server.port,
    )
    servers.push(liar)
    const { bytes } = await read(url, [[0, 2_000_000]])
    expect(bytes.equals(OTHER.subarray(0, 2_000_000))).toBe(true)
  })
})

describe('nothing is kept', () => {
  test.each<[string, Served]>([
    ['without a validator', {}],
    ['with a weak tag alone', { etag: 'W/"1"' }],
    ['with a tag that is none', { etag: '1' }],
    ['with a date to come', { modified: new Date(Date.now() + 3_600_000).toUTCString() }],
    ['with a date that is none', { modified: 'yesterday' }],
    ['with no-store', { etag: '"1"', headers: { 'cache-control': 'public, No-Store' } }],
    ['for one person alone', { etag: '"1"', headers: { 'cache-control': 'private, max-age=600' } }],
    ['of one field for one person alone', { etag: '"1"', headers: { 'cache-control': 'private="x"' } }],
    ['of what is another for everybody', { etag: '"1"', headers: { vary: 'Accept, *' } }],
  ])('%s', async (_, served) => {
    for (const ranges of [true, false]) {
      const { url } = await startFile({ ...served, ranges })
      await read(url, ALL)
      expect(files()).toEqual([])
      expect((await read(url, ALL)).fetched).toBe(NOISE.length)
    }
  })

  test.each([true, false])('once the server forbids it, ranges: %s', async (conditions) => {
    const { url, file } = await startFile({ etag: '"1"', conditions })
    await read(url, ALL)
    file.served = { ...file.served, headers: { 'cache-control': 'no-store' } }
    expect((await read(url, ALL)).fetched).toBe(NOISE.length)
    expect(files()).toEqual([])
  })

  test('without a cache', async () => {
    const { url } = await startFile()
    const link = await openLink(url, { policy: TO_TESTS })
    await link.read(0, 10)
    await link.close()
    expect(files()).toEqual([])
  })

  test('in a folder that cannot be used, and that is told once', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    const told: string[] = []
    cache = new LinkCache({ folder: path, onProblem: (problem) => told.push(problem) })
    for (const ranges of [true, false]) {
      const { url } = await startFile({ etag: '"1"', ranges })
      for (let times = 0; times < 2; times++) {
        expect((await read(url, ALL)).bytes.equals(NOISE)).toBe(true)
      }
    }
    expect(told).toEqual([expect.stringMatching(/^What links fetch is not kept: .*EEXIST|ENOTDIR/)])
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  test('that an option forbids', async () => {
    const link = openLink('http://example.com/', { cache: { folder } as unknown as LinkCache })
    expect(await codeOf(link)).toBe('INVALID_OPTION')
    for (const maxBytes of [0, -1, 1.5, Number.NaN]) {
      expect(() => new LinkCache({ folder, maxBytes })).toThrow(/cache.maxBytes/)
    }
    for (const path of ['', 'a\0b']) expect(() => new LinkCache({ folder: path })).toThrow(/cache.folder/)
  })
})

describe('the guard is asked all the same', () => {
  test.each([true, false])('where ranges are %s', async (ranges) => {
    const { server, url } = await startFile({ etag: '"1"', ranges })
    const named = url.replace('127.0.0.1', 'films.example')
    const resolve = async () => ['127.0.0.1']
    await read(named, ALL, { resolve })
    const before = server.connections
    const denied: LinkPolicy[] = [
      { resolve, denyHosts: ['films.example'] },
      { resolve, denyNetworks: ['127.0.0.0/8'] },
      { resolve, allowNetworks: [] },
      { resolve, ports: [80] },
      { resolve: async () => ['10.0.0.1'] },
      { resolve: async () => [] },
    ]
    for (const policy of denied) expect(await codeOf(open(named, policy))).toBe('LINK_REFUSED')
    expect(server.connections).toBe(before)
    expect(await codeOf(open(named, { resolve, limits: { maxFileBytes: 1000, maxSpoolBytes: 1000 } }))).toBe(
      'LINK_TOO_LARGE',
    )
  })

  test('and so is the server, which may say no by now', async () => {
    let status = 0
    const server = await start((request, response) => {
      if (status === 0) serve(request, response, NOISE, { etag: '"1"' })
      else response.writeHead(status).end()
    })
    await read(`${server.origin}/a`, ALL)
    for (const [now, code] of [
      [401, 'LINK_NOT_FOUND'],
      [403, 'LINK_NOT_FOUND'],
      [410, 'LINK_NOT_FOUND'],
      [204, 'LINK_BROKEN'],
    ] as const) {
      status = now
      expect(await codeOf(open(`${server.origin}/a`))).toBe(code)
    }
    await server.close()
    expect(await codeOf(open(`${server.origin}/a`))).toBe('LINK_UNREACHABLE')
  })

  test('and 304 without a question is no answer', async () => {
    const server = await start((_, response) => response.writeHead(304).end())
    expect(await codeOf(open(server.origin))).toBe('LINK_BROKEN')
  })
})

describe('damage', () => {
  test('of any byte is found, and the right bytes are fetched', async () => {
    const bytes = randomBytes(200_000)
    for (const ranges of [true, false]) {
      const { url } = await startFile({ etag: '"1"', ranges }, bytes)
      await fc.assert(
        fc.asyncProperty(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (place) => {
          await read(url, [[0, bytes.length]])
          // A place among the bytes of all files.
          let at = Math.floor(place * sizeOf())
          for (const path of files()) {
            const content = await readFile(path)
            if (at < content.length) {
              content[at]! ^= 1 << (at % 8)
              await writeFile(path, content)
              break
            }
            at -= content.length
          }
          expect((await read(url, [[0, bytes.length]])).bytes.equals(bytes)).toBe(true)
        }),
        { numRuns: 60 },
      )
    }
  })

  const ways: Record<string, (path: string) => Promise<unknown>> = {
    gone: (path) => rm(path),
    empty: (path) => truncate(path, 0),
    short: (path) => truncate(path, statSync(path).size - 1),
    long: (path) => truncate(path, statSync(path).size + 100_000),
    'of another': async (path) => writeFile(path, await readFile(pieces().at(-1)!)),
    'a folder': async (path) => {
      await rm(path)
      await mkdir(join(path, 'a'), { recursive: true })
    },
    'a link': async (path) => {
      await rm(path)
      await symlink('/etc/passwd', path)
    },
    'a pipe': async (path) => {
      await rm(path)
      execFileSync('mkfifo', [path])
    },
  }

  test.each(Object.keys(ways))('of a whole file: %s', async (way) => {
    for (const ranges of [true, false]) {
      const { url } = await startFile({ etag: '"1"', ranges })
      for (const ending of ['.piece', 'head.json']) {
        await read(url, ALL)
        const path = files().find((path) => path.endsWith(ending) && statSync(path).size > 0)!
        await ways[way]!(path)
        expect((await read(url, ALL)).bytes.equals(NOISE), ending).toBe(true)
      }
    }
    expect(readFileSync('/etc/passwd').length).toBeGreaterThan(0)
  })

  test.each([
    'null',
    '[]',
    '{}',
    '{"sizeBytes":1e99}',
    `{"etag":"\\"1\\"","sizeBytes":${2 ** 50},"mimeType":"","way":"ranges","address":"","content":""}`,
  ])('of a head: %s', async (text) => {
    const { url } = await startFile()
    await read(url, ALL)
    await writeFile(files().find((path) => path.endsWith('head.json'))!, text)
    const { bytes } = await read(url, ALL)
    expect(bytes.equals(NOISE)).toBe(true)
  })

  test('while it is read', async () => {
    const { url } = await startFile()
    await read(url, ALL)
    const link = await open(url)
    rmSync(folder, { recursive: true })
    expect(Buffer.from(await link.read(0, NOISE.length)).equals(NOISE)).toBe(true)
    await link.close()
    expect((await read(url, ALL)).bytes.equals(NOISE)).toBe(true)
  })
})

describe('room', () => {
  test('the limit holds, whatever is read, and the least recently used go', async () => {
    const maxBytes = 2_000_000
    cache = new LinkCache({ folder, maxBytes })
    const { url } = await startFile()
    const kept = `${url}?kept`
    await read(kept, [[0, 300_000]])
    for (let index = 0; index < 12; index++) {
      // Its pieces are used again, and so are not the oldest.
      expect((await read(kept, [[0, 300_000]])).fetched).toBe(0)
      for (const path of files()) {
        const { mtime } = statSync(path)
        await utimes(path, mtime, new Date(mtime.getTime() - 10_000))
      }
      await read(`${url}?${index}`, [[0, 400_000]])
      expect(sizeOf()).toBeLessThanOrEqual(maxBytes)
    }
    expect(sizeOf()).toBeGreaterThan(maxBytes / 2)
    expect((await read(`${url}?0`, [[0, 400_000]])).fetched).toBeGreaterThan(0)
  })

  test('what does not fit is read all the same', async () => {
    for (const ranges of [true, false]) {
      const { url } = await startFile({ etag: '"1"', ranges })
      for (const maxBytes of [1, 70_000, 1_000_000]) {
        cache = new LinkCache({ folder, maxBytes })
        for (let times = 0; times < 2; times++) {
          const { bytes } = await read(url, ALL)
          expect(bytes.equals(NOISE)).toBe(true)
          expect(sizeOf()).toBeLessThanOrEqual(maxBytes)
        }
      }
    }
  })

  test('what a crashed process left is removed, and what is not the cache’s is not touched', async () => {
    const { url } = await startFile()
    await read(url, SOME)
    const entry = join(pieces()[0]!, '..')
    const part = pieces()[0]!.replace(/\.[^.]+\.piece$/, '.00000000-1-0123456789abcdef.part')
    await writeFile(part, 'half')
    await utimes(part, new Date(0), new Date(0))
    const foreign = [join(entry, 'notes.txt'), join(folder, 'other.txt')]
    for (const path of foreign) await writeFile(path, 'mine')
    cache = new LinkCache({ folder, maxBytes: 1_000_000 })
    await read(`${url}?1`, SOME)
    expect(existsSync(part)).toBe(false)
    for (const path of foreign) expect(readFileSync(path, 'utf8')).toBe('mine')
    expect((await read(url, SOME)).bytes.equals(expected(NOISE, SOME))).toBe(true)
  })

  test('nothing of a link is readable in the folder, or to others', async () => {
    const { url } = await startFile()
    await read(`${url}?key=secret`, SOME)
    for (const path of files()) {
      expect(path).not.toContain('secret')
      if (path.endsWith('.json')) expect(readFileSync(path, 'utf8')).not.toMatch(/secret|127\.0/)
      expect(statSync(path).mode & 0o077).toBe(0)
    }
  })
})

test('several caches in one folder, all reading and one file changing, never mix contents', async () => {
  const contents = [NOISE, OTHER, randomBytes(NOISE.length)]
  let now = 0
  const server = await start((request, response) =>
    serve(request, response, contents[now]!, { etag: `"${now}"` }),
  )
  const caches = Array.from({ length: 4 }, () => new LinkCache({ folder, maxBytes: 5_000_000 }))
  const reading = caches.map(async (from, reader) => {
    let right = 0
    for (let times = 0; times < 12; times++) {
      if (reader === 0) now = times % contents.length
      try {
        const link = await open(`${server.origin}/a`, {}, from)
        const at = (times * 619_111 + reader * 307_009) % 2_900_000
        const pair = [await link.read(at, at + 100_000), await link.read(0, 1000)] as const
        await link.close()
        const same = contents.filter(
          (bytes) =>
            bytes.subarray(at, at + 100_000).equals(pair[0]) && bytes.subarray(0, 1000).equals(pair[1]),
        )
        expect(same).toHaveLength(1)
        right++
      } catch (error) {
        expect(isLongtakeError(error) && error.code).toBe('LINK_CHANGED')
      }
    }
    return right
  })
  const counts = await Promise.all(reading)
  expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThan(20)
  expect(sizeOf()).toBeLessThan(7_000_000)
  expect(files().filter((path) => path.endsWith('.part'))).toEqual([])
})
