import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { isLongtakeError, LinkError } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LinkServer, serve, startServer, TO_TESTS } from '../../test/link-server.js'
import { openVideo } from '../video/index.js'
import { type LinkPolicy, openLink } from './index.js'

const data = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../tests/data/${name}`, import.meta.url)))
const FILM = data('video/h264.mp4')
const TRANSPORT = data('video/h264.m2t')
const FRAGMENTED = data('video/h264-fragmented.mp4')

let canary: LinkServer
const servers: LinkServer[] = []

beforeEach(async () => {
  canary = await start((_, response) => response.end('reached'))
})

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function start(listener: RequestListener, host?: string): Promise<LinkServer> {
  const server = await startServer(listener, host)
  servers.push(server)
  return server
}

/** What became of a link: a code, or the way it was read. */
async function outcome(url: string, policy: LinkPolicy = {}): Promise<string> {
  try {
    await using link = await openLink(url, { policy })
    return link.facts.way
  } catch (error) {
    if (isLongtakeError(error)) return error.code
    throw error
  }
}

describe('what is refused without a word to the network', () => {
  test.each([
    'file:///etc/passwd',
    'ftp://example.com/a.mp4',
    'blob:https://example.com/1',
    'javascript:alert(1)',
    'concat:a|b',
    'rtsp://example.com/a',
    '/etc/passwd',
    'talk.mp4',
    '//example.com/a.mp4',
    '',
    'http://',
    'https://user@example.com/',
    'https://:pass@example.com/',
    'https://example.com@127.0.0.1/',
    'http://example.com:22/',
    'http://example.com:8080/',
    `https://example.com/${'a'.repeat(9000)}`,
  ])('%s', async (link) => {
    const resolve = () => Promise.reject(new Error('looked up'))
    expect(await outcome(link, { resolve })).toBe('LINK_REFUSED')
  })

  test.each(['https://www.youtube.com/watch?v=1', 'https://youtu.be/1', 'https://vimeo.com./1'])(
    '%s',
    async (link) => {
      await expect(openLink(link)).rejects.toThrow(/in its own player/)
    },
  )

  test('loopback, however it is written', async () => {
    const { port } = canary
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0',
      '[::1]',
      '[::]',
      '[::ffff:7f00:1]',
    ]
    for (const host of [...hosts, '１２７.０.０.１', '127.0.0.1.', 'localhost', 'LOCALHOST.']) {
      expect(await outcome(`http://${host}:${port}/`, { ports: 'any' }), host).toBe('LINK_REFUSED')
    }
    // A backslash ends the host for this parser and for the connection, as there is one parser.
    expect(await outcome(`http://127.0.0.1:${port}\\@example.com/`, { ports: 'any' })).toBe('LINK_REFUSED')
    expect(canary.connections).toBe(0)
  })
})

describe('names', () => {
  test('one refused address among public ones refuses the name', async () => {
    const resolve = async () => ['93.184.216.34', '127.0.0.1']
    expect(await outcome(`http://example.com:${canary.port}/`, { ports: 'any', resolve })).toBe(
      'LINK_REFUSED',
    )
    expect(canary.connections).toBe(0)
  })

  test('what a resolver answers is not looked up again, and nonsense is refused', async () => {
    for (const answer of [['localhost'], ['0x7f.1'], ['127.0.0.1 '], ['::ffff:127.0.0.1'], ['fe80::1%lo']]) {
      const policy: LinkPolicy = { ports: 'any', resolve: async () => answer }
      expect(await outcome(`http://example.com:${canary.port}/`, policy), answer[0]).toBe('LINK_REFUSED')
    }
    const failing = () => Promise.reject(new Error('SERVFAIL 10.0.0.53'))
    await expect(openLink('http://example.com/', { policy: { resolve: failing } })).rejects.not.toThrow(
      /10\.0/,
    )
  })

  test('a stranger is told the same about names that are not there and about names in here', async () => {
    const failing = (code: string) => () =>
      Promise.reject(Object.assign(new Error(`${code} 10.0.0.53`), { code }))
    const resolvers: Record<string, NonNullable<LinkPolicy['resolve']>> = {
      missing: failing('ENOTFOUND'),
      failing: failing('EAI_AGAIN'),
      empty: async () => [],
      inner: async () => ['10.1.2.3'],
      mixed: async () => ['93.184.216.34', '10.1.2.3'],
      many: async () => Array.from({ length: 100 }, () => '93.184.216.34'),
      silent: () => new Promise<never>(() => {}),
      nonsense: async () => ['localhost'],
    }
    const told = new Map<string, string>()
    for (const [name, resolve] of Object.entries(resolvers)) {
      const policy = { resolve, limits: { stallSeconds: 2 } }
      const error: unknown = await openLink('http://db.internal/', { policy }).catch((error) => error)
      expect(error).toBeInstanceOf(LinkError)
      const { code, message, cause } = error as LinkError
      // For the operator's log alone.
      expect(cause, name).toBeInstanceOf(Error)
      told.set(name, `${code} ${message}`)
    }
    expect(new Set(told.values()).size, JSON.stringify([...told])).toBe(1)
    expect(told.get('inner')).toMatch(/^LINK_REFUSED .*not found on the public internet/)
    expect(told.get('inner')).not.toMatch(/10\.1|internal/)
  })

  test('a look-up that fails for a moment is done again', async () => {
    let fails = 2
    const resolve = async () => {
      if (fails-- > 0) throw Object.assign(new Error('again'), { code: 'EAI_AGAIN' })
      return ['127.0.0.1']
    }
    const server = await start((request, response) => serve(request, response, FILM))
    expect(await outcome(`http://films.example:${server.port}/a`, { ...TO_TESTS, resolve })).toBe('ranges')
  })

  test('a name that leads elsewhere from the second look on (rebinding) reaches nothing there', async () => {
    const server = await start(
      (request, response) => serve(request, response, Buffer.alloc(1_000_000)),
      '127.0.0.2',
    )
    let looks = 0
    const resolve = async () => [looks++ === 0 ? '127.0.0.2' : '127.0.0.1']
    const policy: LinkPolicy = { ports: 'any', allowNetworks: ['127.0.0.2'], resolve }
    await using link = await openLink(`http://rebind.example:${server.port}/a.mp4`, { policy })
    await expect(link.read(500_000, 500_001)).rejects.toBeInstanceOf(LinkError)
    expect(looks).toBe(2)
  })

  test('the host stays that of the link, and the address that of the check', async () => {
    let host: string | undefined
    const server = await start((request, response) => {
      host = request.headers.host
      serve(request, response, FILM)
    })
    const policy = { ...TO_TESTS, resolve: async () => ['127.0.0.1'] }
    expect(await outcome(`http://films.example:${server.port}/a`, policy)).toBe('ranges')
    expect(host).toBe(`films.example:${server.port}`)
  })

  test('lists of hosts', async () => {
    const server = await start((request, response) => serve(request, response, FILM))
    const policy = { ...TO_TESTS, resolve: async () => ['127.0.0.1'] }
    const at = (host: string, lists: LinkPolicy) =>
      outcome(`http://${host}:${server.port}/`, { ...policy, ...lists })
    expect(await at('a.example', { allowHosts: ['a.example'] })).toBe('ranges')
    expect(await at('A.EXAMPLE.', { allowHosts: ['a.example'] })).toBe('ranges')
    expect(await at('b.a.example', { allowHosts: ['a.example'] })).toBe('LINK_REFUSED')
    expect(await at('b.a.example', { allowHosts: ['*.a.example'] })).toBe('ranges')
    expect(await at('ba.example', { allowHosts: ['*.a.example'] })).toBe('LINK_REFUSED')
    expect(await at('a.example', { denyHosts: ['A.example'] })).toBe('LINK_REFUSED')
    expect(await at('b.example', { denyHosts: ['a.example'] })).toBe('ranges')
    expect(await at('b.example', { denyNetworks: ['127.0.0.0/8'] })).toBe('LINK_REFUSED')
  })
})

describe('redirects', () => {
  const locations = (target: string): RequestListener => {
    return (request, response) => {
      if (request.url === '/film') serve(request, response, FILM)
      else response.writeHead(302, { location: target }).end()
    }
  }

  test('are followed, and name the last address', async () => {
    const server = await start(locations('/film'))
    await using link = await openLink(`${server.origin}/a`, { policy: TO_TESTS })
    expect(link.facts.url).toBe(`${server.origin}/film`)
  })

  test.each([
    (port: number) => `http://127.0.0.3:${port}/`,
    (port: number) => `http://[::1]:${port}/`,
    (port: number) => `//2130706435:${port}/`,
    (port: number) => `http://user:pass@127.0.0.1:${port}/`,
    () => 'file:///etc/passwd',
    () => 'data:video/mp4;base64,AAAA',
    () => 'http://169.254.169.254/latest/meta-data/',
    () => 'http://[::ffff:169.254.169.254]/',
  ])('to refused places are refused: %o', async (target) => {
    const server = await start(locations(target(canary.port)))
    expect(await outcome(`${server.origin}/a`, TO_TESTS)).toBe('LINK_REFUSED')
    expect(canary.connections).toBe(0)
  })
})

describe('pages', () => {
  const page = (markup: string): RequestListener => {
    return (request, response) => {
      if (request.url === '/film.mp4') serve(request, response, FILM)
      else if (request.url === '/page')
        response.setHeader('content-type', 'text/html; charset=utf-8').end(markup)
      else response.writeHead(404).end()
    }
  }

  test.each([
    '<meta property="og:video" content="/film.mp4">',
    '<meta property="og:video" content="/gone.mp4"><meta property="og:video:secure_url" content="/film.mp4">',
    '<meta name="twitter:player:stream" content="film.mp4">',
    '<p><video src="film.mp4"></video>',
    '<video><source src="/gone.webm"><source src="/film.mp4?a=1&amp;b=2#t=1"></video>'.replace(
      '?a=1&amp;b=2',
      '',
    ),
    '<script type="application/ld+json">{"@graph":[{"@type":"VideoObject","contentUrl":"/film.mp4"}]}</script>',
  ])('lead to the video that they name: %s', async (markup) => {
    const server = await start(page(markup))
    await using link = await openLink(`${server.origin}/page`, { policy: TO_TESTS })
    expect(link.facts.url).toMatch(/film\.mp4$/)
  })

  test.each([
    ['<title>nothing here</title>', 'LINK_NOT_MEDIA'],
    ['<!-- <video src="/film.mp4"></video> -->', 'LINK_NOT_MEDIA'],
    ['<meta property="og:video" content="/page">', 'LINK_NOT_MEDIA'],
    ['<video src="file:///etc/passwd"></video>', 'LINK_REFUSED'],
    ['<video src="http://127.0.0.3:PORT/"></video>', 'LINK_REFUSED'],
    ['<meta property="og:video" content="http://[::ffff:127.0.0.3]:PORT/">', 'LINK_REFUSED'],
    ['<script type="application/ld+json">{"contentUrl":"http://127.1.1.1:PORT/"}</script>', 'LINK_REFUSED'],
    ['<script type="application/ld+json">{"contentUrl":', 'LINK_NOT_MEDIA'],
    [`<script type="application/ld+json">${'['.repeat(60_000)}</script>`, 'LINK_NOT_MEDIA'],
  ])('lead nowhere else: %s', async (markup, code) => {
    const server = await start(page(markup.replace('PORT', `${canary.port}`)))
    expect(await outcome(`${server.origin}/page`, TO_TESTS)).toBe(code)
    expect(canary.connections).toBe(0)
  })

  test('are not followed where the operator says so', async () => {
    const server = await start(page('<video src="film.mp4"></video>'))
    expect(await outcome(`${server.origin}/page`, { ...TO_TESTS, pages: false })).toBe('LINK_NOT_MEDIA')
  })

  test('served by range, and without end, are read at their start', async () => {
    const server = await start((request, response) => {
      const markup = `<!doctype html><video src="film.mp4"></video>${'<p>'.repeat(50_000)}`
      if (request.url === '/film.mp4') serve(request, response, FILM)
      else if (request.url === '/page') serve(request, response, Buffer.from(markup), { type: 'text/html' })
      else {
        response.writeHead(200, { 'content-type': 'text/html' }).write(markup)
        const timer = setInterval(() => response.write('<p>'.repeat(100_000)), 5)
        response.on('close', () => clearInterval(timer))
      }
    })
    expect(await outcome(`${server.origin}/page`, TO_TESTS)).toBe('ranges')
    expect(await outcome(`${server.origin}/endless`, TO_TESTS)).toBe('ranges')
  })
})

describe('HLS', () => {
  const MEDIA = (lines: readonly string[]) =>
    ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:10', ...lines, '#EXT-X-ENDLIST', ''].join('\n')
  const half = 188 * Math.floor(TRANSPORT.length / 376)
  const files: Record<string, () => Uint8Array> = {
    '/a.ts': () => TRANSPORT.subarray(0, half),
    '/b.ts': () => TRANSPORT.subarray(half),
    '/all.ts': () => TRANSPORT,
    '/all.mp4': () => FRAGMENTED,
    '/page.ts': () => Buffer.from('<!doctype html><title>log in</title>'),
  }
  const playlists = (texts: Readonly<Record<string, string>>): RequestListener => {
    return (request, response) => {
      const text = texts[request.url ?? '']
      const file = files[request.url ?? '']
      if (text !== undefined) response.setHeader('content-type', 'application/vnd.apple.mpegurl').end(text)
      else if (file !== undefined) serve(request, response, file(), { type: 'video/mp2t' })
      else response.writeHead(404).end()
    }
  }

  async function watchable(texts: Readonly<Record<string, string>>): Promise<number> {
    const server = await start(playlists(texts))
    await using video = await openVideo(await openLink(`${server.origin}/list.m3u8`, { policy: TO_TESTS }))
    return video.facts.durationSeconds
  }

  test('segments are one video', async () => {
    await using whole = await openVideo(TRANSPORT)
    const seconds = await watchable({ '/list.m3u8': MEDIA(['#EXTINF:5,', 'a.ts', '#EXTINF:5,', 'b.ts']) })
    expect(seconds).toBe(whole.facts.durationSeconds)
  })

  test('segments may be ranges, of fragmented MP4 too', async () => {
    await using whole = await openVideo(FRAGMENTED)
    const moof = FRAGMENTED.indexOf('moof') - 4
    const lines = [
      `#EXT-X-MAP:URI="all.mp4",BYTERANGE="${moof}@0"`,
      '#EXTINF:5,',
      `#EXT-X-BYTERANGE:${FRAGMENTED.length - moof}@${moof}`,
      'all.mp4',
    ]
    expect(await watchable({ '/list.m3u8': MEDIA(lines) })).toBe(whole.facts.durationSeconds)
  })

  test('of several variants the smallest that is large enough is read', async () => {
    const variant = (lines: number, uri: string) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${lines},RESOLUTION=${lines * 2}x${lines}`,
      uri,
    ]
    const all = [...variant(1080, 'no.m3u8'), ...variant(360, 'small.m3u8'), ...variant(240, 'no.m3u8')]
    const texts = {
      '/list.m3u8': ['#EXTM3U', ...all, ''].join('\n'),
      '/small.m3u8': MEDIA(['#EXTINF:10,', 'all.ts']),
    }
    expect(await watchable(texts)).toBeGreaterThan(0)
  })

  test.each([
    ['file:///etc/passwd', 'LINK_REFUSED'],
    ['http://127.0.0.3:PORT/a.ts', 'LINK_REFUSED'],
    ['http://[::1]:PORT/a.ts', 'LINK_REFUSED'],
    ['concat:file:///etc/passwd', 'LINK_REFUSED'],
    ['data:video/mp2t;base64,AAAA', 'LINK_REFUSED'],
    ['page.ts', 'LINK_NOT_MEDIA'],
    ['list.m3u8', 'LINK_NOT_MEDIA'],
    ['gone.ts', 'LINK_NOT_FOUND'],
  ])('a segment at %s is refused', async (uri, code) => {
    const text = MEDIA(['#EXTINF:5,', 'a.ts', '#EXTINF:5,', uri.replace('PORT', `${canary.port}`)])
    const server = await start(playlists({ '/list.m3u8': text }))
    expect(await outcome(`${server.origin}/list.m3u8`, TO_TESTS)).toBe(code)
    const map = MEDIA([`#EXT-X-MAP:URI="${uri.replace('PORT', `${canary.port}`)}"`, '#EXTINF:5,', 'a.ts'])
    const other = await start(playlists({ '/list.m3u8': map }))
    expect(await outcome(`${other.origin}/list.m3u8`, TO_TESTS)).toBe(code)
    const master = `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${uri.replace('PORT', `${canary.port}`)}\n`
    const third = await start(playlists({ '/list.m3u8': master }))
    expect(await outcome(`${third.origin}/list.m3u8`, TO_TESTS)).toBe(
      uri === 'list.m3u8' ? 'LINK_NOT_MEDIA' : code,
    )
    expect(canary.connections).toBe(0)
  })

  test.each([
    ['live', '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\na.ts\n', 'LINK_NOT_MEDIA'],
    [
      'encrypted',
      MEDIA(['#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1/k"', '#EXTINF:5,', 'a.ts']),
      'LINK_NOT_MEDIA',
    ],
    [
      'pieced together',
      MEDIA(['#EXTINF:5,', 'a.ts', '#EXT-X-DISCONTINUITY', '#EXTINF:5,', 'b.ts']),
      'LINK_NOT_MEDIA',
    ],
    ['empty', MEDIA([]), 'LINK_NOT_MEDIA'],
    ['nothing but its first line', '#EXTM3U', 'LINK_NOT_MEDIA'],
    ['damaged', '#EXTM3U\n#EXT-X-MAP:\n#EXTINF:x\n\0\n', 'LINK_NOT_MEDIA'],
    ['long', MEDIA(Array.from({ length: 30 }, () => '#EXTINF:5,\na.ts')), 'LINK_TOO_LARGE'],
    ['longer', MEDIA(Array.from({ length: 3000 }, () => '#EXTINF:5,\na.ts')), 'LINK_TOO_LARGE'],
  ])('a playlist that is %s is refused', async (_, text, code) => {
    const server = await start(playlists({ '/list.m3u8': text }))
    expect(await outcome(`${server.origin}/list.m3u8`, { ...TO_TESTS, limits: { maxSegments: 20 } })).toBe(
      code,
    )
  })

  test('segments together keep to the limit', async () => {
    const text = MEDIA(['#EXTINF:5,', 'a.ts', '#EXTINF:5,', 'b.ts'])
    const server = await start(playlists({ '/list.m3u8': text }))
    const limits = { maxSpoolBytes: TRANSPORT.length - 1 }
    expect(await outcome(`${server.origin}/list.m3u8`, { ...TO_TESTS, limits })).toBe('LINK_TOO_LARGE')
  })

  test('DASH is refused by its name', async () => {
    const server = await start((_, response) => response.end('<?xml version="1.0"?><MPD></MPD>'))
    await expect(openLink(server.origin, { policy: TO_TESTS })).rejects.toThrow(/DASH/)
  })
})

test('of several addresses the next one is tried where one is silent or closed', async () => {
  const server = await start((request, response) => serve(request, response, FILM), '127.0.0.2')
  const silent = await startServer(() => {}, '127.0.0.3', server.port)
  servers.push(silent)
  const policy: LinkPolicy = {
    ports: 'any',
    allowNetworks: ['127.0.0.0/8'],
    limits: { stallSeconds: 1 },
    resolve: async () => ['127.0.0.4', '127.0.0.3', '127.0.0.2'],
  }
  expect(await outcome(`http://films.example:${server.port}/a`, policy)).toBe('ranges')
  expect(silent.connections).toBe(1)
})
