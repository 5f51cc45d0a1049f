import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { CancelledError, isLongtakeError, VideoError } from '@longtake/core'
import { afterEach, describe, expect, test } from 'vitest'
import { type LinkServer, serve, startServer, TO_TESTS } from '../../test/link-server.js'
import { openVideo } from '../video/index.js'
import { checkVideoLimits, type LinkedVideo, type LinkPolicy, openLink } from './index.js'

const FILM = readFileSync(fileURLToPath(new URL('../../../../tests/data/video/h264.mp4', import.meta.url)))
const NOISE = randomBytes(3_000_001)
const servers: LinkServer[] = []
const opened: LinkedVideo[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((link) => link.close()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function start(listener: RequestListener, host?: string): Promise<LinkServer> {
  const server = await startServer(listener, host)
  servers.push(server)
  return server
}

async function open(url: string, policy: LinkPolicy = {}): Promise<LinkedVideo> {
  const link = await openLink(url, { policy: { ...TO_TESTS, ...policy } })
  opened.push(link)
  return link
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isLongtakeError(error) ? error.code : String(error)),
  )

const temporaryFiles = () => readdirSync(tmpdir()).filter((name) => name.endsWith('.link'))

describe('ranges', () => {
  test('reads what is asked for, and fetches about that much', async () => {
    const server = await start((request, response) => serve(request, response, NOISE, { etag: '"1"' }))
    const link = await open(`${server.origin}/noise.mp4`)
    expect(link.facts).toEqual({
      url: `${server.origin}/noise.mp4`,
      mimeType: 'video/mp4',
      sizeBytes: NOISE.length,
      way: 'ranges',
    })
    expect(link.name).toBe('noise.mp4')
    expect(await link.size()).toBe(NOISE.length)
    expect(
      Buffer.from(await link.read(2_000_000, 2_000_100)).equals(NOISE.subarray(2_000_000, 2_000_100)),
    ).toBe(true)
    expect(link.fetchedBytes).toBeLessThanOrEqual(3 * 65_536)
    expect(Buffer.from(await link.read(0, NOISE.length + 10)).equals(NOISE)).toBe(true)
    expect(await link.read(NOISE.length, NOISE.length + 1)).toHaveLength(0)
  })

  test('reads the same under many readers in little memory', async () => {
    const server = await start((request, response) => serve(request, response, NOISE, { etag: '"1"' }))
    const link = await open(`${server.origin}/noise.mp4`, { limits: { memoryBytes: 2 ** 20 } })
    const starts = Array.from({ length: 60 }, (_, index) => (index * 7_919_111) % NOISE.length)
    await Promise.all(
      starts.map(async (from) => {
        const bytes = await link.read(from, from + 150_000)
        expect(Buffer.from(bytes).equals(NOISE.subarray(from, from + 150_000))).toBe(true)
      }),
    )
  })

  test('asks for neighbours once, and reads ahead in order', async () => {
    const server = await start((request, response) => serve(request, response, NOISE, { etag: '"1"' }))
    const link = await open(`${server.origin}/noise.mp4`)
    for (let at = 0; at < 2_000_000; at += 10_000) await link.read(at, at + 10_000)
    expect(server.requests.length).toBeLessThan(12)
    expect(link.fetchedBytes).toBeLessThan(2_000_000 + 16 * 65_536)
  })

  test('opens a film without fetching all of it twice', async () => {
    const server = await start((request, response) =>
      serve(request, response, FILM, { modified: 'yesterday' }),
    )
    await using video = await openVideo(await open(`${server.origin}/h264.mp4?key=secret`))
    await using file = await openVideo(FILM)
    expect(video.facts).toEqual(file.facts)
    checkVideoLimits(video.facts)
    const short = video.facts.durationSeconds / 2
    expect(() => checkVideoLimits(video.facts, { maxSeconds: short })).toThrow(VideoError)
    expect(() => checkVideoLimits(video.facts, { maxPixels: 1 })).toThrow(VideoError)
    expect(() => checkVideoLimits(video.facts, { maxPictures: 1 })).toThrow(VideoError)
  })

  test('tells progress', async () => {
    const server = await start((request, response) => serve(request, response, NOISE))
    const seen: (readonly [number, number | undefined])[] = []
    const link = await openLink(`${server.origin}/a`, {
      policy: TO_TESTS,
      onProgress: ({ fetchedBytes, sizeBytes }) => seen.push([fetchedBytes, sizeBytes]),
    })
    await link.read(100_000, 100_001)
    await link.close()
    expect(seen.at(-1)).toEqual([link.fetchedBytes, NOISE.length])
  })

  test.each<[string, RequestListener, string]>([
    [
      'another ETag',
      (request, response) =>
        serve(request, response, NOISE, {
          etag: request.headers.range?.startsWith('bytes=0-') ? '"1"' : '"2"',
        }),
      'LINK_CHANGED',
    ],
    [
      'another date',
      (request, response) =>
        serve(request, response, NOISE, {
          modified: request.headers.range?.startsWith('bytes=0-') ? 'Monday' : 'Tuesday',
        }),
      'LINK_CHANGED',
    ],
    [
      'another length',
      (request, response) =>
        serve(request, response, request.headers.range?.startsWith('bytes=0-') ? NOISE : NOISE.subarray(1)),
      'LINK_CHANGED',
    ],
    [
      'no file any more',
      (request, response) =>
        request.headers.range?.startsWith('bytes=0-')
          ? serve(request, response, NOISE)
          : response.writeHead(410).end(),
      'LINK_NOT_FOUND',
    ],
    [
      'the whole instead of a range',
      (request, response) =>
        serve(request, response, NOISE, { ranges: request.headers.range?.startsWith('bytes=0-') ?? false }),
      'LINK_BROKEN',
    ],
    [
      'another range',
      (request, response) => {
        if (request.headers.range?.startsWith('bytes=0-')) return serve(request, response, NOISE)
        response
          .writeHead(206, { 'content-range': `bytes 5-14/${NOISE.length}`, 'content-length': 10 })
          .end(NOISE.subarray(5, 15))
      },
      'LINK_BROKEN',
    ],
    [
      'more bytes than said',
      (request, response) => {
        if (request.headers.range?.startsWith('bytes=0-')) return serve(request, response, NOISE)
        const [start, last] = request.headers.range!.slice(6).split('-').map(Number) as [number, number]
        response.writeHead(206, { 'content-range': `bytes ${start}-${last}/${NOISE.length}` })
        response.end(NOISE.subarray(start, last + 9))
      },
      'LINK_BROKEN',
    ],
    [
      'fewer bytes than said',
      (request, response) => {
        if (request.headers.range?.startsWith('bytes=0-')) return serve(request, response, NOISE)
        const [start, last] = request.headers.range!.slice(6).split('-').map(Number) as [number, number]
        response.writeHead(206, { 'content-range': `bytes ${start}-${last}/${NOISE.length}` })
        response.end(NOISE.subarray(start, last - 9))
      },
      'LINK_UNREACHABLE',
    ],
    [
      'a packed range',
      (request, response) => {
        if (request.headers.range?.startsWith('bytes=0-')) return serve(request, response, NOISE)
        response.writeHead(206, { 'content-encoding': 'gzip' }).end('packed')
      },
      'LINK_BROKEN',
    ],
  ])('refuses %s between two ranges', async (_, listener, code) => {
    const server = await start(listener)
    const link = await open(`${server.origin}/a.mp4`)
    expect(await codeOf(link.read(1_000_000, 1_000_010))).toBe(code)
  })

  test('a connection that breaks is made again', async () => {
    let breaks = 2
    const server = await start((request, response) => {
      if (request.headers.range?.startsWith('bytes=0-') || breaks-- <= 0)
        return serve(request, response, NOISE)
      response.writeHead(206, { 'content-range': `bytes 5-14/${NOISE.length}` })
      response.socket?.destroy()
    })
    const link = await open(`${server.origin}/a.mp4`)
    const bytes = await link.read(1_000_000, 1_000_010)
    expect(Buffer.from(bytes).equals(NOISE.subarray(1_000_000, 1_000_010))).toBe(true)
  })
})

describe('servers without ranges', () => {
  test('are read from a temporary file that nobody sees', async () => {
    const before = temporaryFiles()
    const server = await start((request, response) => serve(request, response, FILM, { ranges: false }))
    const link = await open(`${server.origin}/film`)
    expect(link.facts.way).toBe('spool')
    expect(temporaryFiles()).toEqual(before)
    expect(server.requests).toHaveLength(1)
    await using video = await openVideo(link)
    expect(video.facts.codec).toBe('h264')
  })

  test('may not know the length, also in an answer to a range', async () => {
    const server = await start((request, response) => {
      if (request.headers.range === undefined) return response.writeHead(200).end(FILM)
      return response.writeHead(206, { 'content-range': 'bytes 0-65535/*' }).end(FILM.subarray(0, 65_536))
    })
    const link = await open(`${server.origin}/film`)
    expect(Buffer.from(await link.read(0, await link.size())).equals(FILM)).toBe(true)
  })

  test('may not send more than is allowed, said or unsaid', async () => {
    const said = await start((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 30 }).write(NOISE)
    })
    const endless = await start((_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write(NOISE));
      }
      response.on('drain', pour)
      response.writeHead(200)
      pour()
    })
    const limits = { maxSpoolBytes: 10_000_000 }
    expect(await codeOf(open(`${said.origin}/a`, { limits }))).toBe('LINK_TOO_LARGE')
    expect(await codeOf(open(`${endless.origin}/a`, { limits }))).toBe('LINK_TOO_LARGE')
    expect(await codeOf(open(`${endless.origin}/a`, { limits: { maxFetchedBytes: 5_000_000 } }))).toBe(
      'LINK_TOO_LARGE',
    )
  })

  test('an empty file is empty, whatever the server answers to a range of it', async () => {
    const ranged = await start((request, response) => serve(request, response, new Uint8Array(0)))
    const whole = await start((_, response) => response.writeHead(200).end())
    for (const server of [ranged, whole]) {
      const link = await open(`${server.origin}/a.mp4`)
      expect(await codeOf(openVideo(link))).toBe('VIDEO_EMPTY')
    }
  })
})

describe('limits', () => {
  test('a server that answers nothing, or a byte now and then, is given up', async () => {
    const silent = await start(() => {})
    const slow = await start((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const limits = { stallSeconds: 0.3 }
    expect(await codeOf(open(`${silent.origin}/a`, { limits }))).toBe('LINK_TOO_SLOW')
    expect(await codeOf(open(`${slow.origin}/a`, { limits }))).toBe('LINK_TOO_SLOW')
    const always = { maxSeconds: 0.3, minBytesPerSecond: 1 }
    expect(await codeOf(open(`${slow.origin}/a`, { limits: always }))).toBe('LINK_TOO_SLOW')
  })

  test('files, headers, redirects and packed answers beyond them are refused', async () => {
    const server = await start((request, response) => {
      if (request.url === '/headers') response.writeHead(200, { big: 'x'.repeat(20_000) }).end()
      else if (request.url === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
      else if (request.url?.startsWith('/loop'))
        response.writeHead(302, { location: `${request.url}x` }).end()
      else if (request.url === '/nowhere') response.writeHead(302).end()
      else if (request.url === '/odd') response.writeHead(204).end()
      else serve(request, response, NOISE)
    })
    const at = (path: string, policy?: LinkPolicy) => codeOf(open(server.origin + path, policy))
    expect(await at('/a', { limits: { maxFileBytes: NOISE.length - 1 } })).toBe('LINK_TOO_LARGE')
    expect(await at('/headers')).toBe('LINK_TOO_LARGE')
    expect(await at('/packed')).toBe('LINK_BROKEN')
    expect(await at('/nowhere')).toBe('LINK_BROKEN')
    expect(await at('/odd')).toBe('LINK_BROKEN')
    const before = server.requests.length
    expect(await at('/loop')).toBe('LINK_REFUSED')
    expect(server.requests.length - before).toBe(6)
  })

  test.each([
    { limits: { maxSeconds: 0 } },
    { limits: { maxRedirects: 6 } },
    { limits: { memoryBytes: 1 } },
    { ports: [0] },
    { allowHosts: ['a/b'] },
    { denyHosts: ['http://a'] },
    { allowNetworks: ['all'] },
  ])('a policy that cannot be used is refused: %j', async (policy) => {
    expect(await codeOf(openLink('https://example.com', { policy }))).toBe('INVALID_OPTION')
  })
})

test.each([undefined, 7, {}, new Uint8Array(3)])('what is no link at all: %o', async (link) => {
  expect(await codeOf(openLink(link as unknown as string))).toBe('INVALID_OPTION')
})

test('cancelling ends opening and reading', async () => {
  const silent = await start(() => {})
  const stop = new AbortController()
  const opening = openLink(`${silent.origin}/a`, { policy: TO_TESTS, signal: stop.signal })
  setTimeout(() => stop.abort(), 50)
  await expect(opening).rejects.toBeInstanceOf(CancelledError)

  const server = await start((request, response) => {
    if (request.headers.range?.startsWith('bytes=0-')) serve(request, response, NOISE)
  })
  const link = await open(`${server.origin}/a`)
  const reading = codeOf(link.read(1_000_000, 1_000_001))
  setTimeout(() => void link.close(), 50)
  expect(await reading).toBe('CANCELLED')
  expect(await codeOf(link.read(0, 1))).toBe('CANCELLED')
})

test('data: URIs are read, bounded, and refused where they are damaged', async () => {
  const uri = `data:video/mp4;base64,${FILM.toString('base64')}`
  const link = await open(uri)
  expect(link.facts).toEqual({ url: 'data:', mimeType: 'video/mp4', sizeBytes: FILM.length, way: 'memory' })
  expect(Buffer.from(await link.read(0, FILM.length)).equals(FILM)).toBe(true)
  expect(await codeOf(open(uri, { limits: { maxDataBytes: FILM.length - 1 } }))).toBe('LINK_TOO_LARGE')
  expect(await codeOf(open('data:text/plain,hello'))).toBe('LINK_NOT_MEDIA')
  expect(await codeOf(open('data:video/mp4;base64,@@@@'))).toBe('LINK_NOT_MEDIA')
  expect(await codeOf(open('data:'))).toBe('LINK_NOT_MEDIA')
})
