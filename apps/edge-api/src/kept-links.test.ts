import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, question, startApi } from '../test/api.js'
import { readData } from '../test/files.js'

let server: Server
let state: string
let sentBytes = 0

beforeAll(async () => {
  const bytes = await readData('demo/0000.mp4')
  server = createServer((request, response) => {
    if (request.headers['if-none-match'] === '"one"') {
      response.writeHead(304, { ETag: '"one"' }).end()
      return
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const start = Number(from ?? 0)
    const end = Math.min(to ? Number(to) : bytes.length - 1, bytes.length - 1)
    sentBytes += end + 1 - start
    response
      .writeHead(206, { ETag: '"one"', 'Content-Range': `bytes ${start}-${end}/${bytes.length}` })
      .end(bytes.subarray(start, end + 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state = await mkdtemp(join(tmpdir(), 'longtake-kept-'))
})

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  await rm(state, { recursive: true })
})

async function askOnce(env: Readonly<Record<string, string>>): Promise<string> {
  const { port } = server.address() as AddressInfo
  const api = await startApi(env)
  try {
    const body = question(`http://127.0.0.1:${port}/film.mp4`)
    const response = await call(`${api.url}/v1/chat/completions`, { body })
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    return choices[0]?.message.content ?? ''
  } finally {
    await api.close()
  }
}

test('what links fetch is kept below the state, for the next server too, unless the operator wants none', async () => {
  const answer = await askOnce({ LONGTAKE_STATE: state })
  expect(answer).not.toBe('')
  expect(await readdir(join(state, 'links'))).not.toEqual([])
  const first = sentBytes
  expect(first).toBeGreaterThan(0)
  expect(await askOnce({ LONGTAKE_STATE: state })).toBe(answer)
  expect(sentBytes).toBe(first)
  expect(await askOnce({ LONGTAKE_STATE: state, LONGTAKE_LINK_CACHE_MIB: '0' })).toBe(answer)
  expect(sentBytes).toBeGreaterThan(first)
})
