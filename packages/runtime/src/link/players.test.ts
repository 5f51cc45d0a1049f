import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CancelledError, isLongtakeError, LinkError } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LinkServer, serve, startServer, TO_TESTS } from '../../test/link-server.js'
import { type LinkedVideo, type LinkPolicy, openLink, type PlayerResolver, ytDlp } from './index.js'

const NOISE = randomBytes(300_000)
const servers: LinkServer[] = []
let folder = ''
let command = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longtake-players-'))
  command = join(folder, 'yt-dlp')
})

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(listener: RequestListener, host?: string): Promise<LinkServer> {
  const server = await startServer(listener, host)
  servers.push(server)
  return server
}

/** Writes a program in place of yt-dlp, which notes how it was called. */
async function standIn(body: string): Promise<void> {
  const source = `#!${process.execPath}
const { appendFileSync, writeFileSync } = require('node:fs')
const note = (name, text) => appendFileSync(__dirname + '/' + name, text + '\\n')
note('calls', JSON.stringify({ args: process.argv.slice(2), env: process.env, pid: process.pid }))
const say = (value) => process.stdout.write(JSON.stringify(value))
${body}
`
  await writeFile(command, source)
  await chmod(command, 0o755)
}

interface Call {
  readonly args: string[]
  readonly env: Record<string, string>
  readonly pid: number
}

const calls = (): Call[] => {
  const path = join(folder, 'calls')
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const VIDEO = 'https://www.youtube.com/watch?v=abc'
/** Players are public; what they lead to is on the test's servers. */
const resolve = async (name: string) => [name.endsWith('.example') ? '127.0.0.1' : '93.184.216.34']

async function open(link = VIDEO, policy: LinkPolicy = {}, timeoutSeconds = 20): Promise<LinkedVideo> {
  const players = ytDlp({ command, timeoutSeconds })
  return openLink(link, { policy: { ...TO_TESTS, resolve, players, ...policy } })
}

const failureOf = async (work: Promise<unknown>): Promise<LinkError> => {
  const error: unknown = await work.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(LinkError)
  return error as LinkError
}

const isAlive = (pid: number): boolean => {
  try {
    // One that has ended and that nobody has asked about is no more.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('yt-dlp', () => {
  test('finds the file behind a player, and knows nothing of the process it runs for', async () => {
    const server = await start((request, response) => serve(request, response, NOISE, { etag: '"1"' }))
    await standIn(`say({ url: 'http://media.example:${server.port}/film.mp4?key=1', title: 'A film' })`)
    process.env.LONGTAKE_TEST_SECRET = 'secret'
    const given = `${VIDEO}&x=$(touch ${folder}/shell)\`touch ${folder}/shell\`;'"%20--exec%20touch#t=5`
    const link = await open(given)
    delete process.env.LONGTAKE_TEST_SECRET
    expect(Buffer.from(await link.read(0, NOISE.length)).equals(NOISE)).toBe(true)
    expect(link.facts.url).toBe(`http://media.example:${server.port}/film.mp4?key=1`)
    await link.close()
    const [call] = calls()
    expect(calls()).toHaveLength(1)
    expect(call?.args.slice(-3)).toEqual([
      '--dump-single-json',
      '--',
      new URL(given).href.replace('#t=5', ''),
    ])
    expect(call?.args[0]).toBe('--ignore-config')
    expect(
      Object.keys(call?.env ?? {})
        .filter((name) => !/^(PATH|TMPDIR|TEMP|SystemRoot)$/.test(name))
        .sort(),
    ).toEqual(['LANG', 'YTDLP_NO_PLUGINS', 'all_proxy', 'http_proxy', 'https_proxy'])
    expect(existsSync(join(folder, 'shell'))).toBe(false)
  })

  test.each([
    `say({ _type: 'video', requested_downloads: [{ url: ADDRESS }] })`,
    `process.stderr.write('x'.repeat(1e6)); say({ url: ADDRESS })`,
  ])('may say it like that: %s', async (body) => {
    const server = await start((request, response) => serve(request, response, NOISE))
    await standIn(body.replace('ADDRESS', `'http://media.example:${server.port}/film.mp4'`))
    const link = await open()
    expect(await link.size()).toBe(NOISE.length)
    await link.close()
  })

  test('is not asked where it is not switched on, and the link is refused by its name', async () => {
    await standIn('say({})')
    const { code, message } = await failureOf(open(VIDEO, { players: undefined }))
    expect(`${code} ${message}`).toMatch(/^LINK_NOT_MEDIA YouTube shows videos in its own player/)
    expect(calls()).toEqual([])
  })

  test.each<[string, LinkPolicy]>([
    ['by a list', { denyHosts: ['*.youtube.com'] }],
    ['by another list', { allowHosts: ['media.example'] }],
    ['because its name leads inside', { resolve: async () => ['10.0.0.1'] }],
    ['because there is no such name', { resolve: async () => [] }],
    ['by its port', { ports: [80] }],
  ])('is not asked about a host that is refused %s', async (_, policy) => {
    await standIn('say({})')
    expect((await failureOf(open(VIDEO, policy))).code).toBe('LINK_REFUSED')
    expect(calls()).toEqual([])
  })

  test('is asked about known players that are given, and about no other page', async () => {
    const server = await start((request, response) => {
      if (request.url === '/to') response.writeHead(302, { location: VIDEO }).end()
      else response.setHeader('content-type', 'text/html').end(`<video src="${VIDEO}">`)
    })
    await standIn('say({})')
    for (const path of ['/to', '/page']) {
      expect((await failureOf(open(server.origin + path))).code).toBe('LINK_NOT_MEDIA')
    }
    expect((await failureOf(open('https://www.youtube.com.evil.example/'))).code).not.toBe('none')
    expect(calls()).toEqual([])
  })

  test('cannot lead where links may not lead', async () => {
    const canary = await start((request, response) => serve(request, response, NOISE), '127.0.0.3')
    const addresses = [
      `http://127.0.0.3:${canary.port}/`,
      `http://[::ffff:127.0.0.3]:${canary.port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://user:pass@media.example/',
      'file:///etc/passwd',
      'ftp://media.example/a.mp4',
      'data:video/mp4;base64,AAAA',
      '--exec',
      '',
      `http://media.example/${'a'.repeat(10_000)}`,
    ]
    for (const address of addresses) {
      await standIn(`say({ url: ${JSON.stringify(address)} })`)
      expect((await failureOf(open())).code, address).toBe('LINK_REFUSED')
    }
    const bounce = await start((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.3:${canary.port}/` }).end(),
    )
    await standIn(`say({ url: 'http://media.example:${bounce.port}/a.mp4' })`)
    expect((await failureOf(open())).code).toBe('LINK_REFUSED')
    expect(canary.connections).toBe(0)
  })

  test('reaches what links may reach through its proxy, and nothing else', async () => {
    const site = await start((_, response) => response.end('site'))
    const canary = await start((_, response) => response.end('secret'), '127.0.0.3')
    await standIn(`
      const { request } = require('node:http')
      const proxy = new URL(process.env.https_proxy)
      const authorization = 'Basic ' + Buffer.from(proxy.username + ':' + proxy.password).toString('base64')
      const ask = (method, path, password) => new Promise((resolve) => {
        const headers = password ? { 'proxy-authorization': password } : {}
        const asked = request({ host: proxy.hostname, port: proxy.port, method, path, headers })
        asked.on('error', (error) => resolve(error.code))
        asked.on('response', ({ statusCode }) => resolve(statusCode))
        asked.on('connect', ({ statusCode }, socket) => {
          if (statusCode !== 200) return resolve(statusCode)
          socket.on('data', (bytes) => {
            socket.destroy()
            resolve(String(bytes).split('\\r\\n').at(-1))
          })
          socket.write('GET / HTTP/1.0\\r\\n\\r\\n')
        })
        asked.end()
      })
      const go = async () => {
        const told = []
        for (const host of ['site.example:${site.port}', '127.0.0.1:${site.port}']) {
          told.push(await ask('CONNECT', host, authorization))
        }
        for (const host of [
          '127.0.0.3:${canary.port}', '[::ffff:127.0.0.3]:${canary.port}', '2130706435:${canary.port}',
          'user@127.0.0.3:${canary.port}', '169.254.169.254:443', 'inner.test:443', 'nobody:443', '', '/', ':443',
        ]) told.push(await ask('CONNECT', host, authorization))
        told.push(await ask('GET', 'http://127.0.0.3:${canary.port}/', authorization))
        for (const password of [undefined, 'Basic', authorization.slice(0, -2) + '==', authorization + 'x']) {
          told.push(await ask('CONNECT', 'site.example:${site.port}', password))
        }
        note('told', JSON.stringify(told))
        process.exitCode = 1
      }
      go()`)
    const names: LinkPolicy['resolve'] = async (name) => {
      if (name === 'inner.test') return ['10.0.0.1']
      return name === 'nobody' ? [] : resolve(name)
    }
    expect((await failureOf(open(VIDEO, { resolve: names }))).code).toBe('LINK_NOT_FOUND')
    const told: unknown[] = JSON.parse(readFileSync(join(folder, 'told'), 'utf8'))
    expect(told.slice(0, 2)).toEqual(['site', 'site'])
    expect(
      told.slice(2, -4).every((status) => status === 403 || status === 400 || status === 'ECONNRESET'),
    ).toBe(true)
    expect(told.slice(-4)).toEqual([407, 407, 407, 407])
    expect(canary.connections).toBe(0)
    // It is gone with the program.
    const [call] = calls()
    const proxy = new URL(call!.env.https_proxy!)
    await expect(fetch(`http://127.0.0.1:${proxy.port}/`)).rejects.toThrow()
    expect(call!.args.join(' ')).not.toContain(proxy.password)
  })

  test('cannot lead to a page', async () => {
    const server = await start((_, response) =>
      response.setHeader('content-type', 'text/html').end('<video src="/film.mp4">'),
    )
    await standIn(`say({ url: 'http://media.example:${server.port}/a.mp4' })`)
    expect((await failureOf(open())).code).toBe('LINK_NOT_MEDIA')
  })

  test.each<[string, string, RegExp]>([
    ['complains', `process.stderr.write('secret 10.0.0.1'); process.exitCode = 1`, /^LINK_NOT_FOUND /],
    ['is too old', 'process.exitCode = 2', /^LINK_UNREACHABLE .*install/],
    ['is killed', `process.kill(process.pid, 'SIGKILL')`, /^LINK_NOT_FOUND /],
    ['says nothing', '', /^LINK_BROKEN /],
    ['says half of it', `process.stdout.write('{"url":"secret')`, /^LINK_BROKEN /],
    ['says null', 'say(null)', /^LINK_BROKEN /],
    ['names nothing', 'say({ url: 7, requested_downloads: [null] })', /^LINK_BROKEN /],
    ['names a list', `say({ _type: 'playlist', entries: [] })`, /^LINK_NOT_MEDIA .*list/],
    ['names a live stream', `say({ is_live: true, url: 'http://media.example/' })`, /^LINK_NOT_MEDIA .*live/],
    [
      'never stops talking',
      `const talk = () => process.stdout.write('x'.repeat(65536), talk); talk()`,
      /^LINK_BROKEN /,
    ],
  ])('that %s is an error of the link', async (_, body, expected) => {
    await standIn(body)
    const { code, message } = await failureOf(open())
    expect(`${code} ${message}`).toMatch(expected)
    expect(message).not.toMatch(/secret|10\.0/)
  })

  test('says to the operator alone what went wrong', async () => {
    await standIn(`process.stderr.write('ERROR: private video'); process.exitCode = 1`)
    const { cause } = await failureOf(open())
    expect(String(cause)).toContain('ERROR: private video')
  })

  test('that is not there says how to install it', async () => {
    const { code, message } = await failureOf(open())
    expect(`${code} ${message}`).toMatch(/^LINK_UNREACHABLE .*install/)
    await writeFile(command, 'no program')
    expect((await failureOf(open())).message).toMatch(/install/)
  })

  const withChild = `
const { spawn } = require('node:child_process')
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
note('child', String(child.pid))
setInterval(() => {}, 1000)`

  async function goneWithChild(): Promise<void> {
    const child = join(folder, 'child')
    // On a slow machine it may have been killed before it got so far.
    const pids = calls().map(({ pid }) => pid)
    if (existsSync(child)) pids.push(Number(readFileSync(child, 'utf8')))
    for (let tries = 0; pids.some(isAlive) && tries < 500; tries++) await pause(10)
    expect(pids.filter(isAlive)).toEqual([])
  }

  test('that never ends is killed with what it started', async () => {
    await standIn(withChild)
    expect((await failureOf(open(VIDEO, {}, 3))).code).toBe('LINK_TOO_SLOW')
    await goneWithChild()
  })

  test('is killed with what it started when nobody waits any more', async () => {
    await standIn(withChild)
    const stop = new AbortController()
    const policy = { ...TO_TESTS, resolve, players: ytDlp({ command }) }
    const opening = openLink(VIDEO, { policy, signal: stop.signal })
    while (!existsSync(join(folder, 'child'))) await pause(10)
    stop.abort()
    await expect(opening).rejects.toBeInstanceOf(CancelledError)
    await goneWithChild()
  })

  test('is asked once more when the address runs out', async () => {
    const server = await start((request, response) => {
      if (request.url === `/film.mp4?key=${calls().length}`) serve(request, response, NOISE, { etag: '"1"' })
      else response.writeHead(403).end()
    })
    await standIn(`
      const key = require('node:fs').readFileSync(__dirname + '/calls', 'utf8').trim().split('\\n').length
      say({ url: 'http://media.example:${server.port}/film.mp4?key=' + key })`)
    const link = await open()
    await writeFile(join(folder, 'calls'), `${readFileSync(join(folder, 'calls'), 'utf8')}{}\n`)
    expect(Buffer.from(await link.read(200_000, 200_100)).equals(NOISE.subarray(200_000, 200_100))).toBe(true)
    expect(calls()).toHaveLength(3)
    await link.close()
  })

  test.each([{ command: '' }, { command: 'a\0b' }, { timeoutSeconds: 0 }, { timeoutSeconds: 3601 }])(
    'options that cannot be used are refused: %j',
    (options) => {
      expect(() => ytDlp(options)).toThrow(/command|timeoutSeconds/)
    },
  )
})

test.each<[string, PlayerResolver]>([
  ['throws', () => Promise.reject(new Error('secret'))],
  [
    'throws at once',
    () => {
      throw new Error('secret')
    },
  ],
  ['gives nothing', async () => undefined as unknown as string],
])('another resolver that %s is an error of the link', async (_, players) => {
  const { code, message } = await failureOf(open(VIDEO, { players }))
  expect(code).toBe('LINK_UNREACHABLE')
  expect(message).not.toContain('secret')
})

test('another resolver that never answers ends with the time of the link', async () => {
  const players: PlayerResolver = () => new Promise(() => {})
  const error: unknown = await open(VIDEO, { players, limits: { maxSeconds: 0.2 } }).catch((error) => error)
  expect(isLongtakeError(error) && error.code).toBe('LINK_TOO_SLOW')
})
