import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve } from '../packages/runtime/test/link-server.js'
import { film } from './support/films.js'
import { installPlain, type PlainInstall } from './support/plain-node.js'

const pem = (name: string) => fileURLToPath(new URL(`data/tls/${name}.pem`, import.meta.url))
const FILM = readFileSync(film('h264.mp4'))

let install: PlainInstall
let server: Server
let port = 0
const seen: { name: unknown; host: string | undefined }[] = []

beforeAll(async () => {
  install = await installPlain()
  const options = { key: readFileSync(pem('key')), cert: readFileSync(pem('certificate')) }
  server = createServer(options, (request, response) => {
    seen.push({ name: (request.socket as TLSSocket).servername, host: request.headers.host })
    if (request.url === '/down') response.writeHead(302, { location: 'http://films.example/' }).end()
    else serve(request, response, FILM)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await install?.remove()
})

/** Opens a link in a process that trusts the test's certificate, or does not. */
async function open(url: string, isTrusted: boolean): Promise<string> {
  const { stdout, stderr } = await install.run(
    `import { openLink } from '@longtake/runtime'
    const policy = { ports: 'any', allowNetworks: ['127.0.0.1'], resolve: async () => ['127.0.0.1'] }
    await openLink(${JSON.stringify(url)}, { policy }).then(
      async (link) => { console.log(link.facts.way, (await link.read(0, 8)).length); await link.close() },
      (error) => console.log(error.code, error.message),
    )`,
    isTrusted ? { NODE_EXTRA_CA_CERTS: pem('certificate') } : {},
  )
  expect(stderr).toBe('')
  return stdout.trim()
}

test('name, host and certificate are those of the link, the address that of the check', async () => {
  expect(await open(`https://films.example:${port}/a.mp4`, true)).toBe('ranges 8')
  expect(seen.at(-1)).toEqual({ name: 'films.example', host: `films.example:${port}` })
})

test.each([
  ['of another name', 'other.example', true],
  ['for an address', '127.0.0.1', true],
  ['that nobody vouches for', 'films.example', false],
])('a certificate %s is refused before anything is asked', async (_, host, isTrusted) => {
  const before = seen.length
  expect(await open(`https://${host}:${port}/a.mp4`, isTrusted)).toMatch(/^LINK_UNREACHABLE .*certificate/)
  expect(seen.length).toBe(before)
})

test('a redirect from https: to http: is refused', async () => {
  expect(await open(`https://films.example:${port}/down`, true)).toMatch(/^LINK_REFUSED .*https: to http:/)
})
