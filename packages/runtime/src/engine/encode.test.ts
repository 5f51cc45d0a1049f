import { VideoError } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCheckpoint, writeCheckpoint } from '../../test/random-checkpoint.js'
import { openVideo, type Video, type VideoFrame } from '../video/index.js'
import { videoSource } from './frame-source.js'
import { type Longtake, load } from './longtake.js'
import type { InputFrame, WatchProgress } from './watch-options.js'

/** Pictures so large that a group has room for 21 of them. */
const SIZES = { imageSize: 512, patchSize: 256 }
const FRAMES: InputFrame[] = Array.from({ length: 64 }, (_, index) => ({
  rgb: new Uint8Array(8 * 8 * 3).map((_, place) => (place * 7 + index * index * 31) % 256),
  width: 8,
  height: 8,
}))

let longtake: Longtake
let remove: () => Promise<void>

beforeAll(async () => {
  const written = await writeCheckpoint(makeCheckpoint(SIZES))
  remove = written.remove
  longtake = await load(written.folder)
})

afterAll(async () => {
  await longtake?.close()
  await remove?.()
})

const options = { question: 'what ?', greedyTokens: 0 }

describe('many groups', () => {
  test.each(['interleaved', 'contiguous', 'unordered'] as const)(
    'encode each clip as if it were alone: %s',
    async (layout) => {
      const { plan, projected, visualTokens } = await longtake.inspect(FRAMES, {
        ...options,
        layout,
      })
      const size = projected.data.length / FRAMES.length
      for (const clip of [plan.clips[0]!, plan.clips[7]!, plan.clips.at(-1)!]) {
        const own = clip.map((index) => ({ ...FRAMES[index]!, timestampSeconds: index }))
        const alone = await longtake.inspect(own, options)
        for (const [slot, index] of clip.entries()) {
          const part = projected.data.subarray(index * size, (index + 1) * size)
          const expected = alone.projected.data.subarray(slot * size, (slot + 1) * size)
          const worst = part.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0)
          expect(worst).toBeLessThan(1e-5)
        }
      }
      const encoded = plan.clips.flat()
      const first = encoded[plan.order[9]!]!
      expect(visualTokens.data.subarray(9 * size, 10 * size)).toEqual(
        projected.data.subarray(first * size, (first + 1) * size),
      )
    },
  )

  test('tell progress that only grows, of both stages in turns', async () => {
    const progress: WatchProgress[] = []
    await using video = await longtake.watchFrames(FRAMES, { onProgress: (step) => void progress.push(step) })
    for (const stage of ['decode', 'encode'] as const) {
      const done = progress.filter((step) => step.stage === stage).map((step) => step.done)
      expect(done).toEqual([...new Set(done)].toSorted((a, b) => a - b))
      expect([done[0], done.at(-1)]).toEqual([0, 64])
    }
    const firstEncoded = progress.findIndex(({ stage, done }) => stage === 'encode' && done > 0)
    const lastDecoded = progress.findIndex(({ stage, done }) => stage === 'decode' && done === 64)
    expect(firstEncoded).toBeLessThan(lastDecoded)
    const { frames, timings } = await video.ask('what ?', { maxTokens: 1 })
    expect(frames).toHaveLength(64)
    expect(timings.decode).toBeGreaterThan(0)
    expect(timings.encode).toBeGreaterThan(0)
  })
})

describe('a video of one keyframe', () => {
  const VIDEO = new URL('../../../../tests/data/video/one-keyframe.mp4', import.meta.url)

  test('is decoded in one pass, however many groups there are', async () => {
    const progress: WatchProgress[] = []
    const onProgress = (step: WatchProgress): void => void progress.push(step)
    await using video = await longtake.watch(VIDEO, { frames: 64, sampling: 'exact', onProgress })
    const lastDecoded = progress.findIndex(({ stage, done }) => stage === 'decode' && done === 64)
    expect(progress.findIndex(({ stage, done }) => stage === 'encode' && done > 0)).toBeGreaterThan(
      lastDecoded,
    )
    expect(progress.filter(({ stage }) => stage === 'decode')).toHaveLength(65)
    // The very same as of pictures that were read beforehand.
    const pictures: InputFrame[] = []
    await using opened = await openVideo(VIDEO)
    for await (const { rgb, width, height, timestampSeconds } of opened.frames(
      video.plan.timestamps,
      'exact',
    ))
      pictures.push({ rgb, width, height, timestampSeconds })
    await using given = await longtake.watchFrames(pictures)
    const [one, other] = [
      await video.ask('what ?', { maxTokens: 4 }),
      await given.ask('what ?', { maxTokens: 4 }),
    ]
    expect(one.frames).toEqual(other.frames)
    expect(one.text).toBe(other.text)
  })
})

describe('pictures of a damaged video', () => {
  const rgb = new Uint8Array(3)

  /** Shows pictures up to 3 s, and after that the last one before, if it was shown in the same pass. */
  const damaged = {
    facts: { durationSeconds: 7, keyframeIntervalSeconds: 1 },
    async *frames(timestamps: readonly number[]): AsyncGenerator<VideoFrame> {
      let shown: number | undefined
      for (const [index, seconds] of timestamps.entries()) {
        if (seconds <= 3) shown = seconds
        if (shown === undefined) throw new VideoError('VIDEO_UNREADABLE', 'damaged')
        yield { index, timestampSeconds: shown, width: 1, height: 1, rgb }
      }
    },
  } as unknown as Video
  const plan = { timestamps: [0, 1, 2, 3, 4, 5, 6], sampling: 'exact', clips: [[0]] } as const

  test('stay on screen into the next group', async () => {
    const source = videoSource(damaged, plan)
    const take = async (indices: number[]) => {
      const taken: [number, number][] = []
      for await (const { index, timestampSeconds } of source.frames(indices, undefined))
        taken.push([index, timestampSeconds])
      return taken
    }
    await expect(take([5, 6])).rejects.toThrow('damaged')
    expect(await take([0, 2, 3])).toEqual([
      [0, 0],
      [2, 2],
      [3, 3],
    ])
    expect(await take([4, 6])).toEqual([
      [4, 3],
      [6, 3],
    ])
  })
})
