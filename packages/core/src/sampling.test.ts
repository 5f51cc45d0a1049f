import fc from 'fast-check'
import { expect, test } from 'vitest'
import { minute, tinySpec } from './fixtures.js'
import {
  InvalidOptionError,
  MAX_FRAMES,
  type ModelSpec,
  planVideo,
  VideoError,
  type VideoFacts,
} from './index.js'

const singleFrames: ModelSpec = { ...tinySpec, encoder: { ...tinySpec.encoder, framesPerClip: 1 } }
const mentions = (plan: { notes: readonly string[] }, words: string) =>
  plan.notes.some((note) => note.includes(words))
const still: VideoFacts = {
  startSeconds: 0,
  durationSeconds: 0,
  frameCount: 1,
  width: 64,
  height: 64,
  codec: 'png',
}

test('frames are the middles of equal spans of the whole video', () => {
  const plan = planVideo(tinySpec, { ...minute, startSeconds: 10, durationSeconds: 16 }, { frames: 8 })
  expect(plan.timestamps).toEqual([11, 13, 15, 17, 19, 21, 23, 25])
})

test('start and end count from the first picture, whatever its presentation time', () => {
  const plan = planVideo(
    tinySpec,
    { ...minute, startSeconds: -5 },
    { frames: 8, startSeconds: 20, endSeconds: 36 },
  )
  expect(plan.timestamps).toEqual([16, 18, 20, 22, 24, 26, 28, 30])
})

test('an end beyond the video is cut to it, and said', () => {
  const plan = planVideo(tinySpec, minute, { frames: 8, startSeconds: 44, endSeconds: 1e9 })
  expect(plan.timestamps).toEqual([45, 47, 49, 51, 53, 55, 57, 59])
  expect(mentions(plan, 'ends at 1:00')).toBe(true)
})

test('frames are rounded up to whole clips, and said', () => {
  const plan = planVideo(tinySpec, minute, { frames: 20 })
  expect(plan).toMatchObject({ frames: 24, framesRequested: 20 })
  expect(mentions(plan, '20 frames rounded up to 24: the encoder takes 8 at a time')).toBe(true)
})

test('any number of frames up to the ceiling gives whole clips', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MAX_FRAMES }),
      fc.integer({ min: 1, max: 33 }),
      (frames, framesPerClip) => {
        const spec = { ...tinySpec, encoder: { ...tinySpec.encoder, framesPerClip } }
        const plan = planVideo(spec, minute, { frames })
        expect(plan.frames).toBe(framesPerClip * Math.ceil(frames / framesPerClip))
        expect(plan.clips).toHaveLength(plan.frames / framesPerClip)
      },
    ),
    { numRuns: 25 },
  )
})

test('fps follows the length, within the cap', () => {
  expect(planVideo(singleFrames, minute, { fps: 0.5 }).frames).toBe(30)
  expect(planVideo(singleFrames, minute, { fps: 0.5, startSeconds: 50 }).frames).toBe(5)
  expect(planVideo(singleFrames, minute, { fps: 0.001 }).frames).toBe(1)
  const capped = planVideo(singleFrames, minute, { fps: 25 })
  expect(capped.frames).toBe(256)
  expect(mentions(capped, '1500 frames would be sampled; limited to 256')).toBe(true)
  expect(planVideo(singleFrames, minute, { fps: 1e300, maxFrames: 40 }).frames).toBe(40)
})

test('maxFrames is kept also where whole clips would exceed it, down to one clip', () => {
  expect(planVideo(tinySpec, minute, { frames: 64, maxFrames: 20 })).toMatchObject({
    frames: 16,
    framesRequested: 20,
  })
  expect(planVideo(tinySpec, minute, { maxFrames: 3 }).frames).toBe(8)
  expect(planVideo(tinySpec, minute, { frames: 'auto', maxFrames: 100 }).frames).toBe(32)
})

test('automatic frames are the default of the checkpoint, but no more than there are pictures', () => {
  expect(planVideo(singleFrames, minute).frames).toBe(32)
  expect(planVideo(singleFrames, { ...minute, durationSeconds: 0.4, frameCount: 10 }).frames).toBe(10)
  expect(planVideo(singleFrames, minute, { startSeconds: 59.8 }).frames).toBe(5)
  const { frameCount: _, ...uncounted } = { ...minute, durationSeconds: 0.4 }
  expect(planVideo(singleFrames, uncounted).frames).toBe(10)
  const { framesPerSecond: __, ...unknown } = uncounted
  expect(planVideo(singleFrames, unknown).frames).toBe(32)
})

test('a short video repeats its pictures, and the plan says so', () => {
  const plan = planVideo(tinySpec, { ...minute, durationSeconds: 0.2, frameCount: 5 })
  expect(plan.frames).toBe(8)
  expect(mentions(plan, 'There are 5 pictures for 8 frames')).toBe(true)
})

test('a still is one picture, repeated to fill a clip', () => {
  const plan = planVideo(tinySpec, still)
  expect(plan).toMatchObject({ frames: 8, framesRequested: 1, sampling: 'exact' })
  expect(plan.timestamps).toEqual(new Array(8).fill(0))
  expect(mentions(plan, 'There is 1 picture for 8 frames')).toBe(true)
  expect(planVideo(singleFrames, still, { fps: 30 }).frames).toBe(1)
  expect(planVideo(singleFrames, { ...still, startSeconds: -3 }, { frames: 2 }).timestamps).toEqual([-3, -3])
  expect(planVideo(singleFrames, still, { endSeconds: 5 }).timestamps).toEqual([0])
})

test('a video without pictures is refused', () => {
  const planning = () => planVideo(tinySpec, { ...minute, frameCount: 0 })
  expect(planning).toThrow(VideoError)
  expect(planning).toThrow(expect.objectContaining({ code: 'VIDEO_EMPTY' }))
})

test('keyframes where the snap is small against the distance between frames, exact times otherwise', () => {
  const mode = (keyframeIntervalSeconds: number, frames: number) =>
    planVideo(tinySpec, { ...minute, keyframeIntervalSeconds }, { frames })
  // 60 s in 8 frames is 7.5 s apart, a quarter of which is 1.875 s: half the largest interval that still snaps.
  expect(mode(3.75, 8).sampling).toBe('keyframe')
  expect(mentions(mode(3.75, 8), 'up to 1.9 s, of 7.5 s between frames')).toBe(true)
  expect(mode(3.76, 8).sampling).toBe('exact')
  expect(mentions(mode(10, 8), 'snapping to keyframes would move a frame by up to 5 s')).toBe(true)
  const unknown = planVideo(tinySpec, minute)
  expect(unknown.sampling).toBe('exact')
  expect(mentions(unknown, 'keyframe interval is unknown')).toBe(true)
})

test('automatic keyframes keep every frame in its own span', () => {
  const interval = fc.double({ min: 0.01, max: 30, noNaN: true })
  const phase = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
  fc.assert(
    fc.property(interval, phase, fc.integer({ min: 1, max: 16 }), (keyframeIntervalSeconds, shift, clips) => {
      const plan = planVideo(tinySpec, { ...minute, keyframeIntervalSeconds }, { frames: 8 * clips })
      if (plan.sampling === 'exact') return
      const span = 60 / plan.frames
      const offset = shift * keyframeIntervalSeconds
      plan.timestamps.forEach((time, index) => {
        const nearest =
          Math.round((time - offset) / keyframeIntervalSeconds) * keyframeIntervalSeconds + offset
        expect(Math.floor(nearest / span)).toBe(index)
      })
    }),
  )
})

test('the caller may force the mode, and is told what it costs', () => {
  const coarse = { ...minute, keyframeIntervalSeconds: 10 }
  const forced = planVideo(tinySpec, coarse, { sampling: 'keyframe' })
  expect(forced.sampling).toBe('keyframe')
  expect(mentions(forced, 'moves a frame by up to 5 s')).toBe(true)
  expect(mentions(planVideo(tinySpec, minute, { sampling: 'keyframe' }), 'interval is unknown')).toBe(true)
  expect(
    planVideo(tinySpec, { ...minute, keyframeIntervalSeconds: 0.1 }, { sampling: 'exact' }).sampling,
  ).toBe('exact')
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9, '8', null])(
  'refuses frames %s',
  (frames) => {
    const planning = () => planVideo(tinySpec, minute, { frames: frames as number })
    expect(planning).toThrow(InvalidOptionError)
    expect(planning).toThrow(`frames: expected 'auto' or a whole number from 1 to ${MAX_FRAMES}`)
  },
)

test.each([
  [{ fps: 0 }, 'fps'],
  [{ fps: Number.NaN }, 'fps'],
  [{ fps: 1, frames: 8 }, 'fps'],
  [{ maxFrames: 0 }, 'maxFrames'],
  [{ maxFrames: 1e9 }, 'maxFrames'],
  [{ startSeconds: -1 }, 'startSeconds'],
  [{ startSeconds: 60 }, 'startSeconds'],
  [{ startSeconds: Number.NaN }, 'startSeconds'],
  [{ endSeconds: 0 }, 'endSeconds'],
  [{ startSeconds: 20, endSeconds: 10 }, 'endSeconds'],
  [{ endSeconds: Number.POSITIVE_INFINITY }, 'endSeconds'],
])('refuses %j by name', (options, name) => {
  const planning = () => planVideo(tinySpec, minute, options)
  expect(planning).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: name }))
})

test.each([
  [{ durationSeconds: -1 }, 'video.durationSeconds'],
  [{ durationSeconds: Number.NaN }, 'video.durationSeconds'],
  [{ durationSeconds: Number.POSITIVE_INFINITY }, 'video.durationSeconds'],
  [{ startSeconds: Number.NaN }, 'video.startSeconds'],
  [{ startSeconds: 1e300 }, 'video.startSeconds'],
])('refuses facts that no video has: %j', (facts, name) => {
  const planning = () => planVideo(tinySpec, { ...minute, ...facts })
  expect(planning).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: name }))
})

test('huge and negative presentation times are ordinary', () => {
  const plan = planVideo(tinySpec, { ...minute, startSeconds: 9e11, durationSeconds: 1e11 }, { frames: 8 })
  expect(plan.timestamps[0]).toBe(9e11 + 1e11 / 16)
  expect(planVideo(tinySpec, { ...minute, startSeconds: -9e11 }, { frames: 8 }).timestamps[0]).toBe(
    -9e11 + 3.75,
  )
})
