import { mkdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Longtake, WatchOptions } from '../packages/runtime/src/index.js'
import type { VideoInput, VideoInputs, VideoSource } from '../packages/runtime/src/video/index.js'
import { afterBox, film, filmAtTime, filmBytes, filmOnClock, picturesAt, turned } from './support/films.js'
import { type Held, held } from './support/held.js'
import { withoutPermission } from './support/permission.js'
import { openRandomModel, type RandomModel } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryFile, temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

let model: RandomModel
let longtake: Longtake

beforeAll(async () => {
  model = await openRandomModel()
  longtake = model.longtake
  // The decoders are loaded with the first answer; what is held afterwards must not grow.
  await answerTo(film('vp9.webm'))
})

afterAll(() => longtake?.close())

async function answerTo(input: VideoInput, options: WatchOptions = { frames: 4 }): Promise<string> {
  await using video = await longtake.watch(input, options)
  return (await video.ask('what is the first colour ?', { maxTokens: 6 })).text
}

const heldNow = (): Promise<Held> => held(model.backend)

/** Watching and planning are refused, and leave what was there. */
async function expectRefused(input: VideoInputs, code: string | RegExp): Promise<string> {
  const before = await heldNow()
  const failure = await expectRefusal(longtake.watch(input), code)
  await expectRefusal(longtake.plan(input), code)
  expect(await heldNow()).toEqual(before)
  return failure.message
}

const TEXT = 'This was never a film, whatever its name says.\n'.repeat(99)

describe('a video that cannot be watched', () => {
  const inputs: [string, () => Promise<VideoInputs> | VideoInputs, string, string][] = [
    ['an empty file', () => temporaryFile('empty.mp4', ''), 'VIDEO_EMPTY', 'empty.mp4'],
    ['no bytes', () => new Uint8Array(), 'VIDEO_EMPTY', 'memory'],
    ['one byte', () => temporaryFile('byte.mp4', 'x'), 'VIDEO_NOT_A_VIDEO', 'byte.mp4'],
    ['text renamed to .mp4', () => temporaryFile('text.mp4', TEXT), 'VIDEO_NOT_A_VIDEO', 'text.mp4'],
    ['text as a Blob', () => new Blob([TEXT]), 'VIDEO_NOT_A_VIDEO', 'memory'],
    ['a picture cut off', () => cutPicture(), 'VIDEO_TRUNCATED', 'memory'],
    ['a drawing', () => new Blob(['<svg width="9" height="9"/>']), 'VIDEO_UNSUPPORTED_CODEC', 'SVG'],
    ['a film among pictures', () => [film('still.png'), film('vp9.webm')], 'INVALID_OPTION', 'video[1]'],
    ['no pictures', () => [], 'INVALID_OPTION', '1 to 64'],
    ['sound alone', () => film('audio-only.mp4'), 'VIDEO_NO_VIDEO_TRACK', 'sound'],
    ['an unknown codec in MP4', () => film('unknown-codec.mp4'), 'VIDEO_UNSUPPORTED_CODEC', 'convert'],
    ['an unknown codec in MKV', () => film('unknown-codec.mkv'), 'VIDEO_UNSUPPORTED_CODEC', 'convert'],
    ['an unknown codec in AVI', () => film('unknown-codec.avi'), 'VIDEO_UNSUPPORTED_CODEC', 'codec'],
    ['a missing file', () => temporaryPath('missing.mp4'), 'VIDEO_NOT_FOUND', 'missing.mp4'],
    ['a file below a file', () => `${film('h264.mp4')}/inside`, 'VIDEO_NOT_FOUND', 'inside'],
    ['a name with a zero byte', () => 'a\0b.mp4', 'VIDEO_NOT_FOUND', 'check the path'],
    ['no name', () => '', 'VIDEO_NOT_FOUND', 'check the path'],
    ['a link', () => 'https://example.org/talk.mp4', 'INVALID_OPTION', 'local file'],
    ['a file: URL of elsewhere', () => 'file://elsewhere/talk.mp4', 'INVALID_OPTION', 'this machine'],
    ['a number', () => 7 as unknown as VideoInput, 'INVALID_OPTION', 'video'],
    ['nothing', () => undefined as unknown as VideoInput, 'INVALID_OPTION', 'video'],
    ['a film cut off before its index', () => cutBeforeIndex(), 'VIDEO_TRUNCATED', 'cut.mp4'],
    ['a film of 0 pictures', () => withoutPictures(), 'VIDEO_EMPTY', 'none.mp4'],
    ['pictures of 65,535 × 65,535', () => withAbsurdSize(), 'VIDEO_TOO_LARGE', '65535×65535'],
    ['times of a billion years', () => filmAtTime(0x7fffffff), 'VIDEO_UNREADABLE', 'times'],
  ]

  test.each(inputs)('%s is refused by name', async (_, make, code, part) => {
    expect(await expectRefused(await make(), code)).toContain(part)
  })

  test('a folder, and a folder as file: URL', async () => {
    const folder = temporaryPath('folder.mp4')
    await mkdir(folder)
    expect(await expectRefused(folder, 'VIDEO_NOT_A_VIDEO')).toContain('folder')
    await expectRefused(pathToFileURL(folder), 'VIDEO_NOT_A_VIDEO')
  })

  test('a file without permission', async () => {
    const path = await temporaryFile('secret.mp4', await filmBytes('h264.mp4'))
    if (process.getuid === undefined) {
      // Windows has no such modes: there the file can be read, and is.
      expect(await answerTo(path)).not.toBe('')
      return
    }
    const before = await heldNow()
    for (const work of [() => longtake.watch(path), () => longtake.plan(path)]) {
      const failure = await withoutPermission(path, () => expectRefusal(work(), 'VIDEO_UNREADABLE'))
      expect(failure.message).toContain('permission')
    }
    expect(await heldNow()).toEqual(before)
    expect(await answerTo(path)).toBe(await answerTo(film('h264.mp4')))
  })

  test('a source whose reading fails half way', async () => {
    const before = await heldNow()
    const bytes = await filmBytes('h264.mkv')
    let isClosed = false
    const source: VideoSource = {
      name: 'lost.mkv',
      size: async () => bytes.length,
      read: async (start, end) => {
        if (end > 2000) throw new Error('the connection was lost')
        return bytes.subarray(start, end)
      },
      close: async () => {
        isClosed = true
      },
    }
    await expectRefusal(longtake.watch(source), 'VIDEO_UNREADABLE')
    expect(isClosed).toBe(true)
    expect(await heldNow()).toEqual(before)
  })

  test('a source that cannot be closed: what was read counts', async () => {
    const bytes = await filmBytes('h264.mp4')
    const source: VideoSource = {
      name: 'stuck.mp4',
      size: async () => bytes.length,
      read: async (start, end) => bytes.subarray(start, end),
      close: async () => {
        throw new Error('busy')
      },
    }
    const before = await heldNow()
    expect(await answerTo(source)).toBe(await answerTo(film('h264.mp4')))
    await expectRefusal(longtake.watch({ ...source, size: async () => 0 }), 'VIDEO_EMPTY')
    expect(await heldNow()).toEqual(before)
  })
})

async function cutPicture(): Promise<Uint8Array> {
  const bytes = await filmBytes('still.jpg')
  return bytes.subarray(0, bytes.length - 20)
}

async function cutBeforeIndex(): Promise<string> {
  const bytes = await filmBytes('h264.mp4')
  return temporaryFile('cut.mp4', bytes.subarray(0, afterBox(bytes, 'moov') - 8))
}

async function withoutPictures(): Promise<string> {
  const bytes = await filmBytes('h264-fragmented.mp4')
  return temporaryFile('none.mp4', bytes.subarray(0, afterBox(bytes, 'moof') - 8))
}

async function withAbsurdSize(): Promise<Uint8Array> {
  const bytes = await filmBytes('upright.mp4')
  // Width and height of the sample entry: 16 bits each, 24 bytes after its name.
  const entry = afterBox(bytes, 'avc1', afterBox(bytes, 'moov'))
  return bytes.fill(0xff, entry + 24, entry + 28)
}

describe('an odd video is answered from the right pictures', () => {
  const cases: [string, () => Promise<VideoInput> | VideoInput, object][] = [
    ['1 frame in MP4', () => film('one-frame.mp4'), { frameCount: 1 }],
    ['1 frame in WebM', () => film('one-frame.webm'), { frameCount: 1 }],
    ['odd sizes', () => film('odd-size.webm'), { width: 97, height: 61 }],
    ['rotated by 180°', () => film('rotated-180.mp4'), { width: 96, height: 64 }],
    ['rotated by 270°', () => film('rotated-270.mp4'), { width: 64, height: 96 }],
    ['wide pixels', () => film('wide-pixels.mp4'), { width: 192, height: 64 }],
    ['tall pixels', () => film('tall-pixels.mkv'), { width: 96, height: 128 }],
    ['negative times', () => film('starts-negative.mp4'), { startSeconds: 0 }],
    ['times from 100,000 s on', () => film('starts-late.mkv'), { startSeconds: 100_000 }],
    ['times from 14,000 years on', () => filmAtTime(0x00100000), { startSeconds: 439_804_651_110.6 }],
    ['pictures at uneven times', () => film('vfr.mkv'), { frameCount: 9 }],
    ['a film cut off in the middle', () => cutInTheMiddle(), { codec: 'h264' }],
  ]

  test.each(cases)('%s', async (_, make, facts) => {
    const input = await make()
    const before = await heldNow()
    const video = await longtake.watch(input, { frames: 8, sampling: 'exact' })
    expect(video.facts).toMatchObject(facts)
    const { text, frames } = await video.ask('is the last colour red ?', { maxTokens: 8 })
    await video.close()
    const pictures = await picturesAt(input, video.plan.timestamps)
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(
      pictures.map(({ timestampSeconds }) => timestampSeconds),
    )
    await using same = await longtake.watchFrames(pictures)
    expect((await same.ask('is the last colour red ?', { maxTokens: 8 })).text).toBe(text)
    await same.close()
    expect(await heldNow()).toEqual(before)
  })

  test('8K', async () => {
    const before = await heldNow()
    await using video = await longtake.watch(film('8k.mp4'))
    expect(video.facts).toMatchObject({ width: 7680, height: 4320 })
    expect(video.plan.frames).toBe(4)
    // One flat colour: any size of it is the same to the encoder.
    const [picture] = await picturesAt(film('8k.mp4'), [0])
    const small = { rgb: picture!.rgb.slice(0, 16 * 16 * 3), width: 16, height: 16 }
    await using same = await longtake.watchFrames([small])
    const answer = await video.ask('what ?', { maxTokens: 8 })
    expect((await same.ask('what ?', { maxTokens: 8 })).text).toBe(answer.text)
    await Promise.all([video.close(), same.close()])
    expect(await heldNow()).toEqual(before)
  })

  test('a film rotated by 90° is the upright one, turned', async () => {
    const timestamps = [0, 0.4, 0.6, 0.8]
    const upright = await picturesAt(film('upright.mp4'), timestamps)
    await using expected = await longtake.watchFrames(upright.map(turned))
    await using video = await longtake.watchFrames(await picturesAt(film('rotated-90.mp4'), timestamps))
    expect(Buffer.from(await video.storyboard()).equals(Buffer.from(await expected.storyboard()))).toBe(true)
    const answers = [video, expected].map((watched) => watched.ask('what ?', { maxTokens: 8 }))
    const [answer, same] = await Promise.all(answers)
    expect(answer?.text).toBe(same?.text)
  })

  test('a film at times of its own is answered as the same film from nought', async () => {
    const expected = await answerTo(film('h264.mkv'), { frames: 8 })
    for (const name of ['starts-late.mkv', 'h264-fragmented.mp4', 'h264.mov', 'h264.m2t'])
      expect(await answerTo(film(name), { frames: 8 })).toBe(expected)
    expect(await answerTo(await filmAtTime(1), { frames: 8 })).toBe(expected)
    // A transport stream's clock runs over after 95,443.7 seconds: in the middle of the film, in the second case.
    for (const seconds of [95_000, 95_440]) {
      const input = await filmOnClock(seconds)
      const { timestamps } = await longtake.plan(input)
      expect(timestamps[3]! - timestamps[0]!).toBeCloseTo(4.5)
      expect(await answerTo(input, { frames: 8 })).toBe(expected)
    }
  })
})

async function cutInTheMiddle(): Promise<Uint8Array> {
  const bytes = await filmBytes('h264.m2t')
  return bytes.subarray(0, Math.floor(bytes.length * 0.6))
}
