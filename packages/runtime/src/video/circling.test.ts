import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openVideo } from './index.js'

const SEGMENT = 0x18538067
const CLUSTER = 0x1f43b675
const TRACKS = 0x1654ae6b
const INFO = 0x1549a966

interface Element {
  readonly id: number
  readonly start: number
  /** Where its size stands, and what is inside begins. */
  readonly sizeAt: number
  readonly inside: number
  readonly end: number
}

const film = async (): Promise<Buffer> =>
  readFile(new URL('../../../../tests/data/video/vp9.webm', import.meta.url))

/** Elements next to each other, all of known size. */
function elements(bytes: Buffer, start: number, end: number): Element[] {
  const found: Element[] = []
  for (let at = start; at < end; ) {
    const idBytes = Math.clz32(bytes[at]!) - 23
    const sizeAt = at + idBytes
    const sizeBytes = Math.clz32(bytes[sizeAt]!) - 23
    const size = bytes.readUIntBE(sizeAt + sizeBytes - Math.min(6, sizeBytes), Math.min(6, sizeBytes))
    const inside = sizeAt + sizeBytes
    const known = sizeBytes > 6 ? size : size & (2 ** (7 * sizeBytes) - 1)
    found.push({ id: bytes.readUIntBE(at, idBytes), start: at, sizeAt, inside, end: inside + known })
    at = inside + known
  }
  return found
}

function partsOf(bytes: Buffer): { segment: Element; parts: Element[] } {
  const segment = elements(bytes, 0, bytes.length).find(({ id }) => id === SEGMENT)!
  return { segment, parts: elements(bytes, segment.inside, segment.end) }
}

/** Opens it and counts the pictures at five times, near the one before and exactly. */
async function watch(bytes: Uint8Array) {
  await using video = await openVideo(bytes)
  const { startSeconds, durationSeconds } = video.facts
  const times = [0, 0.25, 0.5, 0.75, 1].map((share) => startSeconds + share * durationSeconds)
  let pictures = 0
  for (const mode of ['keyframe', 'exact'] as const)
    for await (const { rgb } of video.frames(times, mode)) pictures += rgb.length > 0 ? 1 : 0
  return { durationSeconds, pictures }
}

describe('Matroska with bytes that are no element', () => {
  test.each([
    ['a few zeros', Buffer.alloc(20)],
    ['exactly the bytes of the longest number', Buffer.alloc(8)],
    ['much of nothing', Buffer.alloc(200_000)],
    ['words', Buffer.from('not an element '.repeat(500))],
  ])('behind the last cluster: %s, and the whole film is watched', async (_, junk) => {
    const whole = await film()
    const { segment } = partsOf(whole)
    const bytes = Buffer.concat([whole, junk])
    // A segment of unknown size ends where the file does.
    bytes.fill(0xff, segment.sizeAt + 1, segment.inside)
    expect(await watch(bytes)).toEqual(await watch(whole))
  })

  test('instead of the size of the second cluster: the film is watched up to there', async () => {
    const bytes = await film()
    const { parts } = partsOf(bytes)
    const clusters = parts.filter(({ id }) => id === CLUSTER)
    expect(clusters.length).toBeGreaterThan(1)
    // No size is written like this, so neither the cluster nor what is behind it can be found.
    for (const { sizeAt } of clusters.slice(1)) bytes[sizeAt] = 0
    const { durationSeconds, pictures } = await watch(bytes)
    expect(durationSeconds).toBeGreaterThan(1)
    expect(durationSeconds).toBeLessThan((await watch(await film())).durationSeconds)
    expect(pictures).toBe(10)
  })

  test.each([
    ['its tracks', TRACKS],
    ['its first part', INFO],
  ])('instead of the size of %s: it is refused', async (_, id) => {
    const bytes = await film()
    const part = partsOf(bytes).parts.find((one) => one.id === id)!
    bytes[part.sizeAt] = 0
    await expect(openVideo(bytes)).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' })
  })

  test('instead of everything in the segment: it is refused', async () => {
    const bytes = await film()
    const { segment } = partsOf(bytes)
    bytes.fill(0x11, segment.inside)
    await expect(openVideo(bytes)).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' })
  })
})
