import { randomBytes } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { COMMIT, type Fault, sendRange, TestHub } from '../../test/hub-server.js'
import type { PullProgress } from './progress.js'
import { type PullOptions, pullWith } from './pull.js'

const WEIGHTS = 'model.safetensors'
const SEGMENT = 100_000
const weights = randomBytes(1_050_000)
const ID = 'org/large'

let home: string
let hub: TestHub
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'longtake-segments-'))
  hub = await TestHub.open(
    new Map([
      ['config.json', Buffer.from('{}')],
      [WEIGHTS, weights],
    ]),
  )
})
afterEach(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

const place = () => join(home, 'org', 'large', COMMIT)
const pullHere = (more: PullOptions = {}) =>
  pullWith(
    ID,
    { folder: home, endpoint: hub.endpoint, token: '', ...more },
    { backoffMs: 1, stallMs: 10_000, segmentBytes: SEGMENT },
  )
const ranges = () => hub.requestsFor(WEIGHTS).map(({ headers }) => headers.range ?? 'all')
const forWeights =
  (answer: Fault): Fault =>
  (request, response, path) =>
    path.endsWith(`/${WEIGHTS}`) && answer(request, response, path)
const startOf = (range: string | undefined) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)

function expectWhole(): void {
  expect(readFileSync(join(place(), WEIGHTS)).equals(weights)).toBe(true)
  expect(readdirSync(place()).sort()).toEqual(['config.json', WEIGHTS])
}

test('a large file comes in ranges, several at once, and progress counts each byte once', async () => {
  // The first four answers wait for each other.
  const held: (() => void)[] = []
  hub.fault = forWeights((request, response) => {
    if (held.length >= 4) return false
    held.push(() => sendRange(request, response, weights))
    if (held.length === 4) for (const send of held) send()
    return true
  })
  const reports: PullProgress[] = []
  await pullHere({ onProgress: (progress) => void reports.push(progress) })
  expectWhole()
  expect(ranges().sort((a, b) => startOf(a) - startOf(b))).toEqual(
    Array.from(
      { length: 11 },
      (_, at) => `bytes=${at * SEGMENT}-${Math.min((at + 1) * SEGMENT, 1_050_000) - 1}`,
    ),
  )
  expect(reports.at(-1)?.doneBytes).toBe(1_050_002)
})

test('a range that is cut goes on where it stopped', async () => {
  let cuts = 0
  hub.fault = forWeights((request, response) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (Number(start) !== 3 * SEGMENT || cuts++ > 0) return false
    const part = weights.subarray(Number(start), Number(end) + 1)
    const about = `bytes ${start}-${end}/${weights.length}`
    response.writeHead(206, { 'content-length': part.length, 'content-range': about })
    response.write(part.subarray(0, 60_000), () => setTimeout(() => response.destroy(), 20))
    return true
  })
  await pullHere()
  expectWhole()
  const again = ranges().filter((range) => startOf(range) > 3 * SEGMENT && startOf(range) < 4 * SEGMENT)
  expect(again).toEqual([expect.stringMatching(/^bytes=3[1-6]\d{4}-399999$/)])
})

test('ranges that were interrupted go on in the next pull', async () => {
  const controller = new AbortController()
  let answered = 0
  hub.fault = forWeights((_request, response) => {
    if (++answered <= 5) return false
    setTimeout(() => controller.abort(), 100)
    response.writeHead(206, {
      'content-range': `bytes ${startOf(_request.headers.range)}-1049999/${weights.length}`,
    })
    return response.write(weights.subarray(0, 0)) || true
  })
  await expect(pullHere({ signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
  const kept = readdirSync(place()).reduce((sum, name) => sum + statSync(join(place(), name)).size, 0)
  expect(kept).toBeGreaterThanOrEqual(5 * SEGMENT)
  hub.fault = () => false
  hub.requests.length = 0
  await pullHere()
  expectWhole()
  expect(ranges().length).toBeLessThanOrEqual(6)
})

test('what one connection left is used up to its last whole range', async () => {
  await pullHere()
  const part = join(place(), `${WEIGHTS}.part`)
  writeFileSync(part, weights)
  truncateSync(part, 2.5 * SEGMENT)
  rmSync(join(place(), WEIGHTS))
  hub.requests.length = 0
  await pullHere()
  expectWhole()
  expect(Math.min(...ranges().map(startOf))).toBe(2 * SEGMENT)
})

test('a damaged range of an earlier pull costs one more download, and is not used', async () => {
  await pullHere()
  rmSync(join(place(), WEIGHTS))
  writeFileSync(join(place(), `${WEIGHTS}.part.0-${SEGMENT}`), randomBytes(SEGMENT))
  writeFileSync(join(place(), `${WEIGHTS}.part.7-9`), 'xx')
  await pullHere()
  expectWhole()
})

test('a hub without ranges is taken as it is', async () => {
  hub.fault = forWeights((_request, response) => {
    response.writeHead(200, { 'content-length': weights.length }).end(weights)
    return true
  })
  const reports: PullProgress[] = []
  await pullHere({ onProgress: (progress) => void reports.push(progress) })
  expectWhole()
  expect(reports.at(-1)?.doneBytes).toBe(1_050_002)
})

test.each([
  [
    'another range',
    (range: string | undefined) => `bytes ${startOf(range) + 1}-${startOf(range) + 2}/1050000`,
  ],
  [
    'a file of another size',
    (range: string | undefined) => `bytes ${startOf(range)}-${startOf(range) + 9}/9`,
  ],
])('%s is refused, and nothing is left', async (_what, about) => {
  hub.fault = forWeights((request, response) => {
    response.writeHead(206, { 'content-range': about(request.headers.range) }).end(Buffer.alloc(2))
    return true
  })
  await expect(pullHere()).rejects.toMatchObject({ code: 'HUB_MISMATCH' })
  expect(readdirSync(place()).filter((name) => name.startsWith(WEIGHTS))).toEqual([])
})

test('wrong bytes are found by the hash of the whole', async () => {
  const wrong = Buffer.from(weights)
  wrong[777_777] = (wrong[777_777] ?? 0) ^ 1
  hub.fault = forWeights((request, response) => {
    sendRange(request, response, wrong)
    return true
  })
  await expect(pullHere()).rejects.toMatchObject({ code: 'HUB_MISMATCH' })
  expect(readdirSync(place()).filter((name) => name.startsWith(WEIGHTS))).toEqual([])
})

test('a range with more than was asked for is refused', async () => {
  hub.fault = forWeights((request, response) => {
    const start = startOf(request.headers.range)
    response
      .writeHead(206, { 'content-range': `bytes ${start}-${start + SEGMENT - 1}/${weights.length}` })
      .end(Buffer.alloc(2 * SEGMENT))
    return true
  })
  await expect(pullHere()).rejects.toMatchObject({ code: 'HUB_MISMATCH' })
})
