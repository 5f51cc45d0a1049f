import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LinkServer, serve, startServer } from '../../runtime/test/link-server.js'
import { CHECKPOINT, dataPath, runCli, VIDEO } from '../test/run-cli.js'

const FILM = readFileSync(VIDEO)
const PICTURE = readFileSync(dataPath('video/still.png'))

let server: LinkServer
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-cli-link-'))
  server = await startServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (path === '/talk.mp4') serve(request, response, FILM)
    else if (path === '/kept.mp4') serve(request, response, FILM, { etag: '"1"' })
    else if (path === '/a.png') serve(request, response, PICTURE, { ranges: false, type: 'image/png' })
    else response.writeHead(404).end('a page about what is missing')
  })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const MODEL = ['--model', CHECKPOINT, '--no-cache', '--quiet']
const ask = (inputs: readonly string[], flags: readonly string[]) =>
  runCli(['ask', ...inputs, 'What is first?', ...MODEL, '--max-tokens', '4', ...flags])

describe('a link', () => {
  test('is answered like the file behind it', async () => {
    const [linked, file] = [
      await ask([`${server.origin}/talk.mp4`], ['--allow-private']),
      await ask([VIDEO], []),
    ]
    expect(linked).toEqual(file)
    expect(linked.code).toBe(0)
  })

  test('and a file may be pictures that are looked at together', async () => {
    const inputs = [dataPath('video/still.png'), `${server.origin}/a.png`]
    expect(await ask(inputs, ['--allow-private'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('may be data', async () => {
    const inputs = [`data:image/png;base64,${PICTURE.toString('base64')}`]
    expect(await ask(inputs, [])).toMatchObject({ code: 0, stderr: '' })
  })

  test('is planned, and shown without its key', async () => {
    const flags = ['--model', CHECKPOINT, '--allow-private']
    const { code, stdout } = await runCli(['plan', `${server.origin}/talk.mp4?key=secret`, ...flags])
    expect(code).toBe(0)
    expect(stdout).toContain('/talk.mp4: ')
    expect(stdout).not.toContain('secret')
  })

  test('is traced without its key', async () => {
    const out = join(folder, 'trace.html')
    const inputs = [`${server.origin}/talk.mp4?key=secret`, 'What is first?']
    const { code } = await runCli(['trace', ...inputs, ...MODEL, '--allow-private', '--out', out])
    expect(code).toBe(0)
    const page = await readFile(out, 'utf8')
    expect(page).toContain('talk.mp4')
    expect(page).not.toContain('secret')
  })
})

describe('what a link fetches', () => {
  const flags = ['--model', CHECKPOINT, '--quiet', '--allow-private', '--max-tokens', '4']
  const watch = async (more: readonly string[]) => {
    const before = server.requests.length
    const inputs = [`${server.origin}/kept.mp4`, 'What is first?']
    const { code, stdout } = await runCli(['ask', ...inputs, ...flags, ...more])
    return { code, stdout, requests: server.requests.slice(before) }
  }

  test('is kept beside what is encoded, and asked about before it is used', async () => {
    const more = ['--cache-dir', join(folder, 'cache')]
    const first = await watch(more)
    expect(first.code).toBe(0)
    const second = await watch(more)
    expect(second.stdout).toBe(first.stdout)
    expect(second.requests.map(({ tag }) => tag)).toEqual(['"1"'])
    expect(await readdir(join(folder, 'cache', 'links'))).toHaveLength(1)
    const env = { LONGTAKE_CACHE: join(folder, 'cache') }
    expect((await runCli(['doctor'], { env })).stdout).toMatch(
      / 1 video, [\d.]+ [kM]B; [\d.]+ [kM]B of links$/m,
    )
    const limited = await watch([...more, '--cache-size', '10'])
    expect(limited.stdout).toBe(first.stdout)
  })

  test('is not kept where nothing is', async () => {
    const more = ['--no-cache', '--cache-dir', join(folder, 'none')]
    await watch(more)
    expect((await watch(more)).requests.every(({ tag }) => tag === undefined)).toBe(true)
    await expect(readdir(join(folder, 'none'))).rejects.toThrow('ENOENT')
  })

  test('is told where it cannot be kept', async () => {
    const inputs = [`${server.origin}/kept.mp4`, 'What is first?']
    const cache = ['--cache-dir', join(VIDEO, 'no-folder')]
    const { code, stderr } = await runCli([
      'ask',
      ...inputs,
      ...flags.filter((flag) => flag !== '--quiet'),
      ...cache,
    ])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^note: What links fetch is not kept: /m)
  })
})

test('a player is asked about where --yt-dlp says so', async () => {
  const link = 'https://youtu.be/1'
  expect((await ask([link], [])).stderr).toMatch(/in its own player/)
  const path = process.env.PATH
  process.env.PATH = folder
  try {
    const { code, stderr } = await ask([link], ['--yt-dlp'])
    expect(code).toBe(3)
    // Where there is a network, the program is what is missing.
    expect(stderr).toMatch(/install it|not found on the public internet/)
  } finally {
    process.env.PATH = path
  }
})

describe('ends with 3', () => {
  test('into the own machine, without the flag, and nobody is asked', async () => {
    const before = server.connections
    const { code, stdout, stderr } = await ask([`http://localhost:${server.port}/talk.mp4`], [])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^error: .*--allow-private\.\n$/)
    expect(server.connections).toBe(before)
  })

  test.each([
    ['/missing.mp4', /404/],
    ['/talk.mp4', undefined],
  ])('%s', async (path, message) => {
    const isThere = message === undefined
    const { code, stderr } = await ask([server.origin + path], isThere ? [] : ['--allow-private'])
    expect(code).toBe(3)
    expect(stderr).toMatch(message ?? /port/)
    expect(stderr).not.toContain('about what is missing')
  })

  test.each(['http://169.254.169.254/', 'ftp://example.com/a.mp4', 'https://youtu.be/1'])(
    '%s',
    async (link) => {
      expect(await ask([link], ['--allow-private'])).toMatchObject({ code: 3, stdout: '' })
    },
  )
})
