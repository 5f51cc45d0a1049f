import { inspect } from 'node:util'
import { formatTimestamp } from '@longtake/core'
import { describe, expect, test, vi } from 'vitest'
import { answering, type ReceivedPart } from '../../test/openai-server.js'
import { load } from '../index.js'
import { openVideo } from '../video/index.js'
import { ask, DEMO, greys, KEY, Stage } from './testing/stage.js'

const stage = Stage.use()

const jpegOf = ({ image_url }: ReceivedPart): Uint8Array =>
  Buffer.from(image_url?.url.replace(/^data:image\/jpeg;base64,/, '') ?? '', 'base64')

describe('asking a model behind an API', () => {
  test('sends frames after their times, then the question, and streams the answer', async () => {
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(3))
    const answer = video.ask('  What is it? ')
    const pieces: string[] = []
    for await (const text of answer) pieces.push(text)
    expect(pieces).toEqual(['a ', 'red ', 'square'])
    expect(await answer).toMatchObject({
      text: 'a red square',
      finishReason: 'stop',
      usage: { promptTokens: 900, completionTokens: 3, visualTokens: 768 },
    })
    expect(stage.server.questions).toHaveLength(1)
    const [{ path, authorization, body } = stage.server.questions[0]!] = stage.server.questions
    expect([path, authorization]).toEqual(['/v1/chat/completions', `Bearer ${KEY}`])
    expect(body).toMatchObject({
      model: 'some/model',
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: 256,
    })
    expect(stage.contentOf().map(({ type, text }) => text ?? type)).toEqual([
      '[0:00]',
      'image_url',
      '[0:02.5]',
      'image_url',
      '[0:05]',
      'image_url',
      'What is it?',
    ])
  })

  test('sends the pictures of the video at the times of its plan', async () => {
    await using longtake = await stage.open({ sendFrames: 5, pictureSide: 32 })
    await using video = await longtake.watch(DEMO)
    expect(video.plan).toMatchObject({ frames: 5, sent: 5, kvCache: { bytes: 0 } })
    expect(await longtake.plan(DEMO)).toEqual(video.plan)
    await video.ask('What is it?')
    const labels = stage.contentOf().flatMap(({ text }) => text ?? [])
    expect(labels.slice(0, -1)).toEqual(video.timestamps.map((time) => `[${formatTimestamp(time)}]`))
    await using decoded = await openVideo(DEMO)
    const images = stage.contentOf().filter(({ type }) => type === 'image_url')
    for await (const frame of decoded.frames(video.plan.timestamps, video.plan.sampling)) {
      expect(frame.timestampSeconds).toBe(video.timestamps[frame.index])
      await using sent = await openVideo(jpegOf(images[frame.index]!))
      for await (const { rgb, width, height } of sent.frames([0], 'exact')) {
        expect(Math.max(width, height)).toBe(32)
        // Scaling keeps the mean of each channel, and JPEG nearly does.
        for (const channel of [0, 1, 2])
          expect(Math.abs(meanOf(rgb, channel) - meanOf(frame.rgb, channel))).toBeLessThan(4)
      }
    }
  })

  test('all frames have weights, those that were not sent none', async () => {
    await using longtake = await stage.open({ sendFrames: 3 })
    await using video = await longtake.watchFrames(greys(9))
    const { frames, notes } = await video.ask('What is it?')
    expect(frames.map(({ weight }) => weight > 0)).toEqual(
      [1, 4, 7].reduce((is, at) => is.with(at, true), new Array(9).fill(false)),
    )
    expect(frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(frames.every((frame) => !('relevance' in frame))).toBe(true)
    expect(notes.join(' ')).toContain('3 of 9 frames were sent')
    expect(stage.contentOf().filter(({ type }) => type === 'image_url')).toHaveLength(3)
  })

  test('very many pictures are kept smaller, so that all fit into memory', async () => {
    // Noise is what compresses worst; one buffer for all is written once.
    const rgb = Uint8Array.from({ length: 512 * 512 * 3 }, (_, at) => (at * 2654435761) >>> 13)
    const frames = Array.from({ length: 4096 }, () => ({ rgb, width: 512, height: 512 }))
    await using longtake = await stage.open({ sendFrames: 2 })
    await using video = await longtake.watchFrames(frames)
    expect(video.plan.notes.join(' ')).toContain('1 of 4096 pictures are kept smaller')
    await video.ask('What is it?')
    const [image] = stage.contentOf().filter(({ type }) => type === 'image_url')
    expect(jpegOf(image!).length).toBeLessThanOrEqual(32 * 1024)
  })

  test('still images are named by their places', async () => {
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(2), { stills: true })
    await video.ask('What is it?')
    expect(stage.contentOf().flatMap(({ text }) => text ?? [])).toEqual([
      '[picture 1]',
      '[picture 2]',
      'What is it?',
    ])
    expect((await video.storyboard()).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'))
  })

  test('a storyboard, thumbnails and what was seen', async () => {
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(3))
    expect((await video.thumbnail(1)).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'))
    expect(video.seen(2)).toEqual({ left: 0, top: 0, width: 1, height: 1 })
    await video.ask('What is it?')
    expect((await video.storyboard()).length).toBeGreaterThan(100)
    await expect(video.thumbnail(3)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('passes on how to sample, and nothing that was not said', async () => {
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    await video.ask('a', { temperature: 0.5, topP: 0.9, topK: 5, minP: 0.1, repetitionPenalty: 1.2, seed: 7 })
    await video.ask('b', { samplingDefaults: 'checkpoint', maxTokens: 9, stop: ['.', '!'] })
    const [first, second] = stage.server.questions.map(({ body }) => body)
    expect(first).toMatchObject({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      min_p: 0.1,
      repetition_penalty: 1.2,
      repeat_penalty: 1.2,
      seed: 7,
    })
    expect(second).toMatchObject({ max_tokens: 9, stop: ['.', '!'] })
    for (const name of ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'seed'])
      expect(second).not.toHaveProperty(name)
  })

  test('questions are answered one after the other', async () => {
    let running = 0
    let most = 0
    stage.server.respond((response) => {
      most = Math.max(most, ++running)
      response.on('close', () => running--)
      setTimeout(() => answering('yes')(response, stage.server.questions[0]!), 20)
    })
    await using longtake = await stage.open()
    await using video = await longtake.watchFrames(greys(1))
    await Promise.all([video.ask('a'), video.ask('b'), video.ask('c')])
    expect(most).toBe(1)
    expect(stage.server.questions).toHaveLength(3)
  })

  test('the key comes from the environment, and there may be none', async () => {
    vi.stubEnv('LONGTAKE_REMOTE_KEY', 'from-outside')
    await using longtake = await load(stage.idOf())
    await ask(longtake)
    vi.stubEnv('LONGTAKE_REMOTE_KEY', '')
    await using without = await load(stage.idOf())
    await ask(without)
    expect(stage.server.questions.map(({ authorization }) => authorization)).toEqual([
      'Bearer from-outside',
      undefined,
    ])
    expect(inspect(longtake, { depth: 9, showHidden: true })).not.toContain('from-outside')
  })

  test('says what it is', async () => {
    await using longtake = await stage.open({ contextTokens: 8192, tokensPerFrame: 100, sendFrames: 6 })
    expect(longtake.spec).toMatchObject({
      family: 'openai',
      remote: { sendFrames: 6 },
      context: { trainedLength: 8192 },
    })
    expect(longtake.weights).toBeUndefined()
    expect(longtake.backend).toEqual({
      name: 'remote',
      reason: `some/model at ${new URL(stage.server.url).host}`,
    })
    await expect(longtake.inspect([], { question: 'a' })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    })
  })
})

function meanOf(rgb: Uint8Array, channel: number): number {
  let sum = 0
  for (let at = channel; at < rgb.length; at += 3) sum += rgb[at]!
  return (sum * 3) / rgb.length
}
