import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openVideo } from '@longtake/runtime/video'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  askNeedles,
  drawNeedleVideo,
  NEEDLE_POSITIONS,
  NEEDLE_SECONDS,
  planNeedleVideo,
} from './needle-video.js'
import { nameOf } from './world.js'
import { writeVideo } from './write-video.js'
import { toYuv420 } from './yuv.js'

const minutes = fc.integer({ min: 2, max: 240 })

describe('a planned video', () => {
  test('is filled without a gap, with every needle in its place', () => {
    fc.assert(
      fc.property(fc.string(), minutes, (key, length) => {
        const { shots, durationSeconds } = planNeedleVideo(key, length * 60)
        expect(shots[0]?.startSeconds).toBe(0)
        expect(shots.at(-1)?.endSeconds).toBe(durationSeconds)
        for (const [index, shot] of shots.entries()) {
          expect(shot.endSeconds).toBeGreaterThan(shot.startSeconds)
          if (index > 0) expect(shot.startSeconds).toBe(shots[index - 1]?.endSeconds)
        }
        const needles = shots.filter(({ needle }) => needle !== undefined)
        expect(needles.map(({ needle }) => needle)).toEqual([0, 1, 2, 3, 4])
        for (const [index, { startSeconds, endSeconds }] of needles.entries()) {
          expect(endSeconds - startSeconds).toBe(NEEDLE_SECONDS)
          const centre = (startSeconds + endSeconds) / 2 / durationSeconds
          expect(Math.abs(centre - (NEEDLE_POSITIONS[index] ?? 0)) * durationSeconds).toBeLessThan(0.501)
        }
      }),
    )
  })

  test('shows each needle once, among things that share its colour or shape', () => {
    fc.assert(
      fc.property(fc.string(), minutes, (key, length) => {
        const { shots } = planNeedleVideo(key, length * 60)
        const needles = shots.filter(({ needle }) => needle !== undefined).map(({ shot }) => shot)
        const names = shots.map(({ shot }) => nameOf(shot))
        for (const needle of needles) {
          expect(names.filter((name) => name === nameOf(needle))).toHaveLength(1)
        }
        for (const { shot } of shots.filter(({ needle }) => needle === undefined)) {
          const isAlike = needles.some(({ colour, shape }) => colour === shot.colour || shape === shot.shape)
          expect(isAlike).toBe(true)
        }
        for (const [index, name] of names.entries()) expect(name).not.toBe(names[index - 1])
      }),
    )
  })

  test('follows from its key', () => {
    expect(planNeedleVideo('1', 300)).toEqual(planNeedleVideo('1', 300))
    expect(planNeedleVideo('1', 300)).not.toEqual(planNeedleVideo('2', 300))
  })

  test('has two questions a needle, each with the needle’s own answer', () => {
    const video = planNeedleVideo('1', 300)
    const questions = askNeedles(video)
    expect(questions.map(({ position }) => position)).toEqual(NEEDLE_POSITIONS.flatMap((p) => [p, p]))
    for (const { kind, text, answer } of questions) {
      const asked = video.shots.find(({ shot }) => text === `What ${kind} is on the ${nameOf(shot)}?`)
      expect(answer).toBe(kind === 'number' ? asked?.shot.number : asked?.shot.caption)
    }
  })
})

describe('a written video', () => {
  const format = { size: 48, framesPerSecond: 1, keyframeSeconds: 2, quality: 22 }
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longtake-world-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('opens with its length and keyframes, shows what was drawn, and is the same file each time', async () => {
    const video = planNeedleVideo('written', 120)
    const [one, two] = [join(folder, 'one.mp4'), join(folder, 'two.mp4')]
    for (const path of [one, two]) await writeVideo(path, drawNeedleVideo(video, 1, format.size), format)
    expect((await readFile(one)).equals(await readFile(two))).toBe(true)

    await using opened = await openVideo(one)
    const { durationSeconds, width, height, codec, keyframeIntervalSeconds } = opened.facts
    expect({ durationSeconds, width, height, keyframeIntervalSeconds }).toEqual({
      durationSeconds: 120,
      width: 48,
      height: 48,
      keyframeIntervalSeconds: 2,
    })
    expect(codec).toMatch(/avc|h264/)
    const drawn = [...drawNeedleVideo(video, 1, format.size)]
    const times = [0.5, 59.5, 119.5]
    let index = 0
    for await (const { rgb } of opened.frames(times, 'exact')) {
      const expected = drawn[Math.floor(times[index++] ?? 0)] ?? new Uint8Array()
      const error = expected.reduce((sum, value, at) => sum + Math.abs(value - (rgb[at] ?? 0)), 0)
      expect(error / expected.length).toBeLessThan(6)
    }
    expect(index).toBe(times.length)
  })
})

test('black, white and grey have the limits of BT.709 and no colour', () => {
  for (const [value, luma] of [
    [0, 16],
    [255, 235],
    [128, 126],
  ] as const) {
    const yuv = new Uint8Array(6)
    toYuv420(new Uint8Array(12).fill(value), 2, yuv)
    expect([...yuv]).toEqual([luma, luma, luma, luma, 128, 128])
  }
  const red = new Uint8Array(6)
  toYuv420(
    Uint8Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? 255 : 0)),
    2,
    red,
  )
  // BT.709: 16 + 219 · 0.2126, 128 − 224 · 0.2126 / 1.8556, 128 + 224 / 2
  expect([...red]).toEqual([63, 63, 63, 63, 102, 240])
})
