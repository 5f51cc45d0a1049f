import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openVideo, type Video, type VideoFrame, type VideoInput, type VideoSource } from './index.js'

const data = (name: string) => fileURLToPath(new URL(`../../../../tests/data/video/${name}`, import.meta.url))

/** The pictures write their number in binary: eight columns, white for 1, lowest bit on the left. */
function numberOf({ rgb, width, height }: VideoFrame): number {
  const row = (height >> 1) * width
  const bits = Array.from({ length: 8 }, (_, bit) =>
    rgb[(row + Math.floor(((bit + 0.5) / 8) * width)) * 3]! > 128 ? 1 : 0,
  )
  return bits.reduce<number>((sum, bit, index) => sum + bit * 2 ** index, 0)
}

async function collect(
  video: Video,
  times: readonly number[],
  mode: 'keyframe' | 'exact',
): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = []
  for await (const frame of video.frames(times, mode)) frames.push(frame)
  return frames
}

async function numbers(
  input: VideoInput,
  times: readonly number[],
  mode: 'keyframe' | 'exact',
): Promise<number[]> {
  await using video = await openVideo(input)
  const start = video.facts.startSeconds
  return (
    await collect(
      video,
      times.map((time) => start + time),
      mode,
    )
  ).map(numberOf)
}

const SIXTY_PICTURES = [
  ['h264.mp4', 'h264'],
  ['h264-fragmented.mp4', 'h264'],
  ['h264.mov', 'h264'],
  ['h264.mkv', 'h264'],
  ['h264.m2t', 'h264'],
  ['h264.avi', 'h264'],
  ['mpeg4.avi', 'mpeg4'],
  ['hevc.mp4', 'hevc'],
  ['vp9.webm', 'vp9'],
  ['av1.mp4', 'av1'],
  ['av1.webm', 'av1'],
  ['starts-late.mkv', 'h264'],
] as const

describe.each(SIXTY_PICTURES)('%s', (name, codec) => {
  test('has the facts of its six seconds', async () => {
    await using video = await openVideo(data(name))
    expect(video.facts).toMatchObject({ codec, width: 128, height: 64, frameCount: 60 })
    expect(video.facts.durationSeconds).toBeCloseTo(6, 3)
    expect(video.facts.framesPerSecond).toBeCloseTo(10, 3)
    expect(video.facts.keyframeIntervalSeconds).toBeGreaterThanOrEqual(0.999)
    expect(video.facts.keyframeIntervalSeconds).toBeLessThan(1.3)
    expect(video.notes).toEqual([])
  })

  test('gives the picture on screen, in one pass and alone', async () => {
    const wanted = [0, 1, 2, 9, 10, 11, 25, 26, 58, 59]
    const times = wanted.map((picture) => picture / 10 + 0.05)
    expect(await numbers(data(name), times, 'exact')).toEqual(wanted)
    for (const [index, time] of times.entries()) {
      expect(await numbers(data(name), [time], 'exact')).toEqual([wanted[index]])
    }
  })
})

describe('keyframes', () => {
  test.each(['h264.mp4', 'h264.mkv', 'h264.m2t', 'h264.avi', 'hevc.mp4', 'vp9.webm', 'av1.mp4'])(
    'of %s are the nearest on either side',
    async (name) => {
      expect(await numbers(data(name), [0, 0.4, 0.6, 1.4, 1.6, 4.9, 9], 'keyframe')).toEqual([
        0, 0, 10, 10, 20, 50, 50,
      ])
    },
  )

  test('carry their own time', async () => {
    await using video = await openVideo(data('h264.mp4'))
    const frames = await collect(video, [2.9, 3.2], 'keyframe')
    expect(frames.map((frame) => frame.timestampSeconds)).toEqual([3, 3])
  })

  test('far apart are told, so that a plan can choose exact pictures', async () => {
    await using video = await openVideo(data('one-keyframe.mp4'))
    expect(video.facts.keyframeIntervalSeconds).toBe(12)
    expect((await collect(video, [0.55, 6.05, 11.95], 'exact')).map(numberOf)).toEqual([5, 60, 119])
    expect((await collect(video, [0.55, 6.05, 11.95], 'keyframe')).map(numberOf)).toEqual([0, 0, 0])
  })
})

describe('time', () => {
  test.each(['vfr.mp4', 'vfr.mkv'])(
    'of %s: with a varying rate each picture stays until the next',
    async (name) => {
      const times = [0, 0.09, 0.1, 0.199, 0.2, 0.69, 0.7, 1.19, 1.2, 1.3, 2.99, 3, 3.1, 5.89, 5.9, 6]
      expect(await numbers(data(name), times, 'exact')).toEqual([
        0, 0, 1, 1, 2, 2, 7, 7, 12, 13, 13, 30, 31, 31, 59, 59,
      ])
    },
  )

  test('before the beginning gives the first picture, after the end the last', async () => {
    const times = [Number.NEGATIVE_INFINITY, -1e300, -5, 1e6, Number.MAX_VALUE, Number.POSITIVE_INFINITY]
    expect(await numbers(data('h264.mp4'), times, 'exact')).toEqual([0, 0, 0, 59, 59, 59])
    expect(await numbers(data('h264.mp4'), times, 'keyframe')).toEqual([0, 0, 0, 50, 50, 50])
  })

  test('lists come back in time order with their places', async () => {
    await using video = await openVideo(data('h264.mp4'))
    const frames = await collect(video, [3.05, 0.15, 3.05, 2.05], 'exact')
    expect(frames.map((frame) => frame.index)).toEqual([1, 3, 0, 2])
    expect(frames.map(numberOf)).toEqual([1, 20, 30, 30])
    expect(frames[3]?.rgb).toBe(frames[2]?.rgb)
  })

  test('that begins late or before nought is kept', async () => {
    await using late = await openVideo(data('starts-late.mkv'))
    expect(late.facts.startSeconds).toBe(100_000)
    await using early = await openVideo(data('starts-negative.mp4'))
    // The edit list hides the first 0.55 s: at nought, picture 5 has been on screen for half its time.
    expect(early.facts).toMatchObject({ startSeconds: 0, durationSeconds: 5.45, frameCount: 55 })
    expect((await collect(early, [-3, 0, 0.05, 5.4], 'exact')).map(numberOf)).toEqual([5, 5, 6, 59])
  })

  test.each(['one-frame.mp4', 'one-frame.webm'])('of %s: one picture is all there is', async (name) => {
    await using video = await openVideo(data(name))
    expect(video.facts.frameCount).toBe(1)
    for (const mode of ['exact', 'keyframe'] as const) {
      expect((await collect(video, [-1, 0, 0.05, 7], mode)).map(numberOf)).toEqual([0, 0, 0, 0])
    }
  })

  test('an empty list gives nothing', async () => {
    expect(await numbers(data('h264.mp4'), [], 'exact')).toEqual([])
  })
})

describe('input', () => {
  const times = [0.05, 2.55]

  test('may be a path, a URL, its text, bytes, or a blob', async () => {
    const path = data('vp9.webm')
    const bytes = new Uint8Array(await readFile(path))
    const url = pathToFileURL(path)
    for (const input of [path, url, url.href, bytes, new Blob([bytes])]) {
      expect(await numbers(input, times, 'exact')).toEqual([0, 25])
    }
  })

  test('may be a source of one’s own, read by range and closed once', async () => {
    const bytes = new Uint8Array(await readFile(data('h264.mp4')))
    let closed = 0
    const source: VideoSource = {
      name: 'talk.mp4',
      size: async () => bytes.length,
      read: async (start, end) => bytes.slice(start, end),
      close: async () => {
        closed++
      },
    }
    expect(await numbers(source, times, 'exact')).toEqual([0, 25])
    expect(closed).toBe(1)
  })
})

describe('at once', () => {
  test('two passes over one video do not disturb each other', async () => {
    await using video = await openVideo(data('h264.mp4'))
    const times = Array.from({ length: 20 }, (_, index) => index * 0.3 + 0.05)
    const [exact, keys] = await Promise.all([
      collect(video, times, 'exact'),
      collect(video, times, 'keyframe'),
    ])
    expect(exact.map(numberOf)).toEqual(times.map((time) => Math.floor(time * 10)))
    expect(keys.map(numberOf).every((picture) => picture % 10 === 0)).toBe(true)
  })

  test('a pass that is left early can be started again', async () => {
    await using video = await openVideo(data('h264.mp4'))
    for (let round = 0; round < 3; round++) {
      for await (const frame of video.frames([1.05, 2.05, 3.05], 'exact')) {
        expect(numberOf(frame)).toBe(10)
        break
      }
    }
  })

  test('progress is told picture by picture', async () => {
    await using video = await openVideo(data('h264.mp4'))
    const told: string[] = []
    const onFrame = (done: number, total: number) => told.push(`${done}/${total}`)
    for await (const _ of video.frames([1, 1, 2], 'keyframe', { onFrame })) told.push('frame')
    expect(told).toEqual(['1/3', 'frame', '2/3', 'frame', '3/3', 'frame'])
  })
})
