import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLongtakeError } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVideo, type VideoInput, type VideoSource } from './index.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/video/${name}`, import.meta.url))
const bytesOf = async (name: string) => new Uint8Array(await readFile(data(name)))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-video-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Writes a file for one test; a file, because that is what must not stay open. */
async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

/** Opens and reads everything; tells the code that this ends with, or how many pictures there were. */
async function outcome(input: VideoInput): Promise<string> {
  try {
    await using video = await openVideo(input)
    const { startSeconds, durationSeconds } = video.facts
    const times = [0, 0.25, 0.5, 0.75, 1].map((share) => startSeconds + share * durationSeconds)
    let count = 0
    for (const mode of ['keyframe', 'exact'] as const) {
      for await (const { width, height, rgb } of video.frames(times, mode)) {
        expect(rgb.length).toBe(width * height * 3)
        count++
      }
    }
    return `${count} pictures`
  } catch (error) {
    if (!isLongtakeError(error)) throw error
    expect(error.message.length).toBeGreaterThan(20)
    return error.code
  }
}

/** Outermost boxes of an MP4. */
function boxes(bytes: Uint8Array): { kind: string; start: number; end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: { kind: string; start: number; end: number }[] = []
  for (let at = 0; at + 8 <= bytes.length; at += view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    found.push({ kind, start: at, end: at + view.getUint32(at) })
  }
  return found
}

describe('a file that cannot be watched is refused by name', () => {
  test('missing, a folder, no permission, a path with a zero byte', async () => {
    expect(await outcome(join(folder, 'missing.mp4'))).toBe('VIDEO_NOT_FOUND')
    expect(await outcome(`${data('h264.mp4')}/inside`)).toBe('VIDEO_NOT_FOUND')
    expect(await outcome('a\0b.mp4')).toBe('VIDEO_NOT_FOUND')
    await mkdir(join(folder, 'folder.mp4'))
    expect(await outcome(join(folder, 'folder.mp4'))).toBe('VIDEO_NOT_A_VIDEO')
  })

  test('without permission', async () => {
    if (process.getuid === undefined) return
    const path = await file('secret.mp4', await bytesOf('h264.mp4'))
    await chmod(path, 0)
    await chmod(folder, 0o755)
    const isRoot = process.getuid() === 0
    // The administrator may read everything, so the test steps down for a moment.
    if (isRoot) process.seteuid?.(65_534)
    try {
      expect(await outcome(path)).toBe('VIDEO_UNREADABLE')
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  })

  test('empty, text, sound only, no pictures', async () => {
    expect(await outcome(await file('empty.mp4', ''))).toBe('VIDEO_EMPTY')
    expect(await outcome(new Uint8Array())).toBe('VIDEO_EMPTY')
    expect(await outcome(await file('text.mp4', 'not a video\n'.repeat(500)))).toBe('VIDEO_NOT_A_VIDEO')
    expect(await outcome(await file('short.mp4', 'x'))).toBe('VIDEO_NOT_A_VIDEO')
    expect(await outcome(data('audio-only.mp4'))).toBe('VIDEO_NO_VIDEO_TRACK')
    const fragmented = await bytesOf('h264-fragmented.mp4')
    const moof = boxes(fragmented).find((box) => box.kind === 'moof')
    expect(await outcome(await file('none.mp4', fragmented.subarray(0, moof?.start)))).toBe('VIDEO_EMPTY')
  })

  test.each(['unknown-codec.mp4', 'unknown-codec.mkv', 'unknown-codec.avi'])('%s', async (name) => {
    expect(await outcome(data(name))).toBe('VIDEO_UNSUPPORTED_CODEC')
  })

  test('pictures of absurd size', async () => {
    const bytes = await bytesOf('upright.mp4')
    const at = Buffer.from(bytes.buffer).indexOf(
      'avc1',
      boxes(bytes).find((box) => box.kind === 'moov')?.start,
    )
    // Width and height of the sample entry, 16 bits each, 28 bytes behind its name.
    bytes.fill(0xff, at + 28, at + 32)
    expect(await outcome(bytes)).toBe('VIDEO_TOO_LARGE')
  })

  test.each([
    ['stts', 8],
    ['ctts', 8],
    ['stsz', 8],
    ['stco', 4],
    ['stsc', 4],
    // Samples of its first chunk.
    ['stsc', 12],
  ])('an index whose %s claims billions of pictures', async (kind, offset) => {
    const bytes = await bytesOf('h264.mp4')
    const at = Buffer.from(bytes.buffer).lastIndexOf(kind) + 4
    bytes.fill(0x7f, at + offset, at + offset + 4)
    expect(await outcome(bytes)).toBe('VIDEO_UNREADABLE')
  })

  test.each([0, 3])('a fragment, number %i of them, that claims billions of pictures', async (number) => {
    const bytes = Buffer.from(await bytesOf('h264-fragmented.mp4'))
    let at = bytes.indexOf('trun')
    for (let skipped = 0; skipped < number; skipped++) at = bytes.indexOf('trun', at + 4)
    // Nothing is written for each of them, so that all are like the fragment's first.
    bytes.writeUInt32BE(1, at + 4)
    bytes.writeUInt32BE(0xfffffff0, at + 8)
    expect(await outcome(bytes)).toBe('VIDEO_UNREADABLE')
  })

  test.each(['moov', 'moof'])('an index (%s) as large as a file of four gigabytes', async (kind) => {
    const film = Buffer.from(await bytesOf('h264-fragmented.mp4'))
    const size = 2 ** 32 - 1
    film.writeUInt32BE(size - film.indexOf(kind) - 4, film.indexOf(kind) - 4)
    let largest = 0
    const source: VideoSource = {
      name: 'large.mp4',
      size: async () => size,
      read: async (start, end) => {
        largest = Math.max(largest, end - start)
        const bytes = new Uint8Array(end - start)
        bytes.set(film.subarray(Math.min(start, film.length), Math.min(end, film.length)))
        return bytes
      },
      close: async () => {},
    }
    expect(await outcome(source)).toBe('VIDEO_UNREADABLE')
    expect(largest).toBeLessThan(2 ** 24)
  })

  test('an index behind so many boxes that nobody would look at it', async () => {
    const film = await bytesOf('h264.mp4')
    const free = Buffer.alloc(8)
    free.writeUInt32BE(8)
    free.write('free', 4)
    const moov = boxes(film).find(({ kind }) => kind === 'moov')!
    const many = Buffer.concat(Array.from({ length: 10_001 }, () => free))
    const bytes = Buffer.concat([film.subarray(0, moov.start), many, film.subarray(moov.start)])
    expect(await outcome(bytes)).toBe('VIDEO_UNREADABLE')
  })

  test('a film with more tracks than any film has', async () => {
    const film = await readFile(data('h264.mp4'))
    const moov = film.indexOf('moov') - 4
    const trak = film.indexOf('trak') - 4
    const track = film.subarray(trak, trak + film.readUInt32BE(trak))
    // The index lies behind the pictures, so that nothing moves.
    const many = Buffer.concat([
      film.subarray(0, moov + film.readUInt32BE(moov)),
      ...Array.from({ length: 100 }, () => track),
    ])
    many.writeUInt32BE(film.readUInt32BE(moov) + 100 * track.length, moov)
    await expect(openVideo(many)).rejects.toMatchObject({ code: 'VIDEO_TOO_LARGE' })
  })

  test('links and things that are no video at all', async () => {
    const inputs: unknown[] = [
      'https://example.org/talk.mp4',
      new URL('http://example.org/'),
      7,
      null,
      {},
      'file://host/x',
    ]
    for (const input of inputs) expect(await outcome(input as VideoInput)).toBe('INVALID_OPTION')
  })

  test('a source that fails', async () => {
    const bytes = await bytesOf('h264.mkv')
    for (const limit of [0, 100, 1000]) {
      const read = async (start: number, end: number) => {
        if (end > limit) throw new Error('connection lost')
        return bytes.slice(start, end)
      }
      const source: VideoSource = {
        name: 'lost.mkv',
        size: async () => bytes.length,
        read,
        close: async () => {},
      }
      expect(await outcome(source)).toBe('VIDEO_UNREADABLE')
    }
  })
})

describe('a file that is cut off', () => {
  test('without its index is refused', async () => {
    const bytes = await bytesOf('h264.mp4')
    const moov = boxes(bytes).find((box) => box.kind === 'moov')
    expect(await outcome(await file('no-index.mp4', bytes.subarray(0, moov?.start)))).toBe('VIDEO_TRUNCATED')
    const avi = await bytesOf('mpeg4.avi')
    expect(await outcome(await file('no-index.avi', avi.subarray(0, avi.length >> 1)))).toBe(
      'VIDEO_TRUNCATED',
    )
    const mkv = await bytesOf('h264.mkv')
    expect(await outcome(await file('cut.mkv', mkv.subarray(0, mkv.length >> 1)))).toBe('VIDEO_TRUNCATED')
  })

  test.each([
    ['h264.m2t', 0.6],
    ['vp9.webm', 0.9],
    ['h264-fragmented.mp4', 0.6],
  ])('%s is watched as far as it goes', async (name, share) => {
    const bytes = await bytesOf(name)
    const path = await file(`cut-${name}`, bytes.subarray(0, bytes.length * share))
    await using video = await openVideo(path)
    expect(video.facts.durationSeconds).toBeGreaterThan(1)
    expect(video.facts.durationSeconds).toBeLessThan(6)
    expect(await outcome(path)).toBe('10 pictures')
  })

  test('with its index in front is watched as far as its data goes, and says so', async () => {
    const path = await file('cut.mp4', withIndexInFront(await bytesOf('h264.mp4')).subarray(0, 2800))
    await using video = await openVideo(path)
    expect(video.facts.durationSeconds).toBeGreaterThan(0.5)
    expect(video.facts.durationSeconds).toBeLessThan(5)
    expect(video.notes.join()).toContain('cut off')
    expect(await outcome(path)).toBe('10 pictures')
  })
})

/** The same film with `moov` before `mdat`, as streaming servers store it. */
function withIndexInFront(bytes: Uint8Array): Uint8Array {
  const parts = new Map(boxes(bytes).map((box) => [box.kind, bytes.slice(box.start, box.end)]))
  const moov = parts.get('moov') ?? new Uint8Array()
  const view = new DataView(moov.buffer)
  const at = Buffer.from(moov.buffer).indexOf('stco') + 4
  const count = view.getUint32(at + 4)
  for (let index = 0; index < count; index++) {
    const place = at + 8 + index * 4
    view.setUint32(place, view.getUint32(place) + moov.length)
  }
  const rest = bytes.subarray(
    parts.get('ftyp')?.length,
    boxes(bytes).find((box) => box.kind === 'moov')?.start,
  )
  return new Uint8Array(Buffer.concat([parts.get('ftyp') ?? new Uint8Array(), moov, rest]))
}

describe('a file that is damaged', () => {
  const names = [
    'h264.mp4',
    'h264-fragmented.mp4',
    'h264.mkv',
    'h264.m2t',
    'mpeg4.avi',
    'hevc.mp4',
    'vp9.webm',
    'av1.webm',
  ]

  test.each(names)('%s with random bytes overwritten gives pictures or a reason', async (name) => {
    const random = generator(names.indexOf(name) + 1)
    const original = await bytesOf(name)
    for (let round = 0; round < 12; round++) {
      const bytes = original.slice()
      for (let hit = 0; hit < 1 + round * 3; hit++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      expect(await outcome(bytes)).toMatch(/^(10 pictures|VIDEO_[A-Z_]+)$/)
    }
  })
})

/** Uniform numbers from 0 to 1, the same for the same seed (Park and Miller). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 0x7fffffff
    return state / 0x7fffffff
  }
}

describe('options', () => {
  test('that make no sense are refused', async () => {
    await using video = await openVideo(data('h264.mp4'))
    expect(() => video.frames([0, Number.NaN], 'exact')).toThrow(/timestamps\[1\]/)
    expect(() => video.frames(['1' as unknown as number], 'exact')).toThrow(/timestamps\[0\]/)
    expect(() => video.frames([0], 'fast' as 'exact')).toThrow(/mode/)
  })
})
