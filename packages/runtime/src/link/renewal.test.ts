import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LinkError } from '@longtake/core'
import { afterEach, describe, expect, test } from 'vitest'
import { type LinkServer, serve, startServer, TO_TESTS } from '../../test/link-server.js'
import { LinkCache, type LinkedVideo, type LinkPolicy, openLink } from './index.js'

const NOISE = randomBytes(3_000_001)
const servers: LinkServer[] = []
const opened: LinkedVideo[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((link) => link.close()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** A server whose page and redirect name the film with a key, which holds until the next one is given. */
async function startKeys(film: (request: IncomingMessage, response: ServerResponse) => void) {
  const state = { key: 0, given: 0, status: 403, gives: true }
  const listener: RequestListener = (request, response) => {
    const at = `/film.mp4?key=${state.key}`
    if (request.url === '/page' || request.url === '/to') state.given++
    if (request.url === '/page' && state.gives)
      response.setHeader('content-type', 'text/html').end(`<video src="${at}">`)
    else if (request.url === '/to' && state.gives) response.writeHead(302, { location: at }).end()
    else if (request.url === at) film(request, response)
    else response.writeHead(state.status).end()
  }
  const server = await startServer(listener)
  servers.push(server)
  return { server, state }
}

async function open(url: string, policy: LinkPolicy = {}, cache?: LinkCache): Promise<LinkedVideo> {
  const link = await openLink(url, { policy: { ...TO_TESTS, ...policy }, cache })
  opened.push(link)
  return link
}

const good = (request: IncomingMessage, response: ServerResponse) =>
  serve(request, response, NOISE, { etag: '"1"' })

const failureOf = async (work: Promise<unknown>): Promise<LinkError> => {
  const error: unknown = await work.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(LinkError)
  return error as LinkError
}

describe.each(['/page', '/to'])('an address that runs out, of %s', (path) => {
  test.each([401, 403, 404, 410])('with %i is asked for once more, and reading goes on', async (status) => {
    const { server, state } = await startKeys(good)
    state.status = status
    const link = await open(server.origin + path)
    for (const at of [500_000, 1_000_000, 2_000_000]) {
      state.key++
      expect(Buffer.from(await link.read(at, at + 1000)).equals(NOISE.subarray(at, at + 1000))).toBe(true)
    }
    expect(state.given).toBe(4)
  })

  test('is asked for by one of many readers', async () => {
    const { server, state } = await startKeys(good)
    const link = await open(server.origin + path)
    state.key++
    const starts = Array.from({ length: 20 }, (_, index) => 200_000 + index * 130_000)
    await Promise.all(
      starts.map(async (at) => {
        const bytes = await link.read(at, at + 1000)
        expect(Buffer.from(bytes).equals(NOISE.subarray(at, at + 1000))).toBe(true)
      }),
    )
    expect(state.given).toBe(2)
  })

  test('is not needed where the bytes are kept', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'longtake-renewal-'))
    try {
      const { server, state } = await startKeys(good)
      const cache = new LinkCache({ folder })
      for (let times = 0; times < 2; times++) {
        state.key++
        const link = await open(server.origin + path, {}, cache)
        state.key++
        expect(Buffer.from(await link.read(0, NOISE.length)).equals(NOISE)).toBe(true)
        await link.close()
        expect(state.given).toBe(times === 0 ? 2 : 3)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['tag', (request, response) => serve(request, response, NOISE, { etag: '"2"' })],
    ['length', (request, response) => serve(request, response, NOISE.subarray(1), { etag: '"1"' })],
    ['start', (request, response) => serve(request, response, randomBytes(NOISE.length), { etag: '"1"' })],
    ['way', (request, response) => serve(request, response, NOISE, { etag: '"1"', ranges: false })],
  ])('and then leads to a file of another %s is told', async (_, other) => {
    let film = good
    const { server, state } = await startKeys((request, response) => film(request, response))
    const link = await open(server.origin + path)
    film = other
    state.key++
    expect((await failureOf(link.read(1_000_000, 1_000_001))).code).toBe('LINK_CHANGED')
  })

  test('without validators, goes on where length and start are the same', async () => {
    let bytes = NOISE
    const { server, state } = await startKeys((request, response) => serve(request, response, bytes))
    const link = await open(server.origin + path)
    state.key++
    expect(await link.read(1_000_000, 1_000_001)).toEqual(
      new Uint8Array(NOISE.subarray(1_000_000, 1_000_001)),
    )
    bytes = randomBytes(NOISE.length)
    state.key++
    expect((await failureOf(link.read(2_000_000, 2_000_001))).code).toBe('LINK_CHANGED')
  })

  test('and leads nowhere any more is told', async () => {
    const { server, state } = await startKeys(good)
    const link = await open(server.origin + path)
    state.key++
    state.gives = false
    const { code, message } = await failureOf(link.read(1_000_000, 1_000_001))
    expect(`${code} ${message}`).toMatch(/^LINK_NOT_FOUND .*ran out while it was read/)
  })

  test('at once, again and again, is given up', async () => {
    let isOpen = false
    const { server, state } = await startKeys((request, response) => {
      // Its first bytes are there for everybody, so that asking once more always seems to help.
      if (isOpen && !request.headers.range?.startsWith('bytes=0-')) response.writeHead(403).end()
      else good(request, response)
    })
    const link = await open(server.origin + path)
    isOpen = true
    for (let times = 0; times < 40; times++) {
      state.key++
      expect((await failureOf(link.read(1_000_000, 1_000_001))).code).toBe('LINK_NOT_FOUND')
    }
    expect(state.given).toBeLessThanOrEqual(17)
  })

  test('and then leads into the own network is refused', async () => {
    const canary = await startServer(good, '127.0.0.3')
    servers.push(canary)
    let to = ''
    const server = await startServer((request, response) => {
      if (request.url === '/page') response.setHeader('content-type', 'text/html').end(`<video src="${to}">`)
      else if (request.url === '/to') response.writeHead(302, { location: to }).end()
      else if (request.headers.range?.startsWith('bytes=0-')) good(request, response)
      else response.writeHead(403).end()
    })
    servers.push(server)
    to = '/film.mp4'
    const link = await open(server.origin + path)
    to = `http://127.0.0.3:${canary.port}/film.mp4`
    expect((await failureOf(link.read(1_000_000, 1_000_001))).code).toBe('LINK_REFUSED')
    expect(canary.connections).toBe(0)
  })
})

test('a link that leads to the file itself is not asked for once more', async () => {
  const server = await startServer((request, response) => {
    if (request.headers.range?.startsWith('bytes=0-')) good(request, response)
    else response.writeHead(403).end()
  })
  servers.push(server)
  const link = await open(`${server.origin}/film.mp4`)
  expect((await failureOf(link.read(1_000_000, 1_000_001))).code).toBe('LINK_NOT_FOUND')
  expect(server.requests).toHaveLength(2)
})
