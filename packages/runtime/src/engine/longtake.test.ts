import { kvCacheBytes } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCheckpoint, VIDEO_ID, writeCheckpoint } from '../../test/random-checkpoint.js'
import { openBackend } from '../ort/index.js'
import { openResident, type ResidentBackend } from '../ort/resident.js'
import type { AnswerResult } from './answer.js'
import { type Longtake, load, loadWith } from './longtake.js'
import type { InputFrame, WatchOptions, WatchProgress, WatchStage } from './watch-options.js'

const VIDEO = new URL('../../../../tests/data/video/vp9.webm', import.meta.url)
/** Weights whose answers are not one word over and over. */
const SEED = 4
const FRAMES = makeFrames(16)

let folder: string
let removeFolder: () => Promise<void>
let native: ResidentBackend
let longtake: Longtake

beforeAll(async () => {
  const written = await writeCheckpoint(makeCheckpoint({}, SEED))
  folder = written.folder
  removeFolder = written.remove
  longtake = await loadWith(folder, { threads: 1 }, async () => {
    native = await openResident()
    return native
  })
  // The decoders of every type are loaded once, so that what is left afterwards can be counted.
  for (const kvCache of ['fp32', 'int8', 'int4'] as const) await answerOf(longtake, { kvCache })
})

afterAll(async () => {
  await longtake?.close()
  await removeFolder?.()
})

/** Pictures of two colours that change from one to the next. */
function makeFrames(count: number): InputFrame[] {
  return Array.from({ length: count }, (_, index) => {
    const rgb = new Uint8Array(20 * 16 * 3).map((_, place) => (place * 7 + index * 31) % 256)
    return { rgb, width: 20, height: 16, timestampSeconds: 2 + index }
  })
}

async function answerOf(
  model: Longtake,
  options: WatchOptions = {},
  question = 'what is the first colour ?',
): Promise<AnswerResult> {
  await using video = await model.watchFrames(FRAMES, options)
  return await video.ask(question, { maxTokens: 12 })
}

const refusal = (code: string, part = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(part) })

describe('watch and ask', () => {
  test('a video file is watched once and answers, the same each time and in pieces', async () => {
    const progress: WatchProgress[] = []
    await using video = await longtake.watch(VIDEO, {
      frames: 10,
      onProgress: (step) => void progress.push(step),
    })
    expect(video.plan).toEqual(await longtake.plan(VIDEO, { frames: 10 }))
    expect(video.plan).toMatchObject({ frames: 12, framesRequested: 10, visualTokens: 60 })
    const answer = video.ask('what is the last colour ?', { maxTokens: 8 })
    let text = ''
    for await (const piece of answer) text += piece
    const result = await answer
    expect(result).toMatchObject({ text, finishReason: 'length' })
    expect(result.usage).toEqual({ promptTokens: 60 + 11, visualTokens: 60, completionTokens: 8 })
    expect((await video.ask('what is the last colour ?', { maxTokens: 8 })).text).toBe(text)
    const stages: WatchStage[] = ['open', 'decode', 'encode', 'prefill']
    expect([...new Set(progress.map(({ stage }) => stage))]).toEqual(stages)
    for (const stage of stages) {
      const steps = progress.filter((step) => step.stage === stage)
      expect(steps[0]?.done).toBe(0)
      expect(steps.at(-1)?.done).toBe(steps.at(-1)?.total)
      expect(steps.map(({ done }) => done)).toEqual(steps.map(({ done }) => done).sort((a, b) => a - b))
    }
  })

  test('both back ends, and every chunk length, give the same tokens', async () => {
    await using portable = await loadWith(folder, { threads: 1 }, () => openBackend('portable'))
    for (const kvCache of ['fp32', 'int8', 'int4'] as const) {
      const resident = await answerOf(longtake, { kvCache })
      expect((await answerOf(portable, { kvCache })).text).toBe(resident.text)
      expect((await answerOf(longtake, { kvCache, prefillChunk: 7 })).text).toBe(resident.text)
    }
  })

  test('questions asked at once are answered in order, as if each were alone', async () => {
    const alone = await answerOf(longtake, {}, 'is the square blue ?')
    await using video = await longtake.watchFrames(FRAMES)
    const order: number[] = []
    const questions = ['what is the first colour ?', 'is the square blue ?', 'what is the first colour ?']
    const results = await Promise.all(
      questions.map(async (question, index) => {
        const result = await video.ask(question, { maxTokens: 12 })
        order.push(index)
        return result
      }),
    )
    expect(order).toEqual([0, 1, 2])
    expect(results[1]?.text).toBe(alone.text)
    expect(results[2]?.text).toBe(results[0]?.text)
  })

  test('questions leave nothing behind in memory', async () => {
    await using video = await longtake.watchFrames(FRAMES)
    // Inputs of two lengths are kept from the second question on.
    for (let count = 0; count < 2; count++) await video.ask('what is the first colour ?', { maxTokens: 4 })
    const held = native.liveHandles
    for (let count = 0; count < 5; count++)
      await video.ask('what is the first colour ?', { maxTokens: 4 + count })
    expect(native.liveHandles).toEqual(held)
  })

  test('frames come with their times, and weights that add up to 1', async () => {
    const { frames, timings } = await answerOf(longtake)
    expect(frames.map(({ index }) => index)).toEqual(FRAMES.map((_, index) => index))
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(
      FRAMES.map(({ timestampSeconds }) => timestampSeconds),
    )
    expect(frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 6)
    expect(new Set(frames.map(({ weight }) => weight)).size).toBeGreaterThan(1)
    for (const milliseconds of Object.values(timings)) expect(milliseconds).toBeGreaterThanOrEqual(0)
  })

  test('the storyboard is a picture, and one answer later another one', async () => {
    await using video = await longtake.watchFrames(FRAMES)
    const plain = await video.storyboard()
    expect(Buffer.from(plain.subarray(0, 8))).toEqual(
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    )
    await video.ask('what ?', { maxTokens: 1 })
    const marked = await video.storyboard()
    expect(Buffer.from(marked).equals(Buffer.from(plain))).toBe(false)
    expect(
      Buffer.from(await video.storyboard({ weights: FRAMES.map(() => 1) })).equals(Buffer.from(marked)),
    ).toBe(false)
  })

  test('every layout weighs the frames that it was given, wherever their tokens stand', async () => {
    // The same picture everywhere but in one place: that frame's own weight differs from all others.
    const pictures = makeFrames(1).flatMap((frame) => new Array<InputFrame>(16).fill(frame))
    pictures[5] = { ...FRAMES[9]!, timestampSeconds: 2 }
    for (const layout of ['interleaved', 'contiguous', 'unordered'] as const) {
      await using video = await longtake.watchFrames(pictures, { layout })
      const { frames } = await video.ask('what ?', { maxTokens: 1 })
      expect(frames).toHaveLength(16)
      expect(frames.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 6)
    }
  })
})

describe('generation', () => {
  test('ends at an end token, which is not part of the text', async () => {
    const { text } = await answerOf(longtake)
    const made = makeCheckpoint({}, SEED)
    const vocabulary = (made.files['tokenizer.json'] as { model: { vocab: Record<string, number> } }).model
      .vocab
    const words = text.split(' ')
    const place = words.findIndex((word, index) => index > 0 && !words.slice(0, index).includes(word))
    made.files['generation_config.json'] = { eos_token_id: [vocabulary[words[place]!]] }
    const written = await writeCheckpoint(made)
    try {
      await using other = await load(written.folder, { threads: 1 })
      const result = await answerOf(other)
      expect(result).toMatchObject({ text: words.slice(0, place).join(' '), finishReason: 'stop' })
      expect(result.usage.completionTokens).toBe(place)
    } finally {
      await written.remove()
    }
  })

  test('ends at a stop string, and with a seed repeats itself', async () => {
    await using video = await longtake.watchFrames(FRAMES)
    const { text } = await video.ask('what ?', { maxTokens: 12 })
    const stop = text.split(' ').slice(2, 4).join(' ')
    const stopped = await video.ask('what ?', { maxTokens: 12, stop: ['never', stop] })
    expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)).trim(), finishReason: 'stop' })
    const options = { temperature: 1.5, topP: 0.9, seed: 5, maxTokens: 12 }
    expect((await video.ask('what ?', options)).text).toBe((await video.ask('what ?', options)).text)
  })

  test('fills the planned context and no more', async () => {
    await using video = await longtake.watchFrames(FRAMES, { promptTokens: 20, maxNewTokens: 5 })
    const { usage, finishReason } = await video.ask('what ?', { maxTokens: 1000 })
    expect(usage.promptTokens + usage.completionTokens).toBe(video.plan.contextTokens)
    expect(finishReason).toBe('length')
  })
})

test.each(['int8', 'int4'] as const)('%s weights stay near fp32', async (weights) => {
  await using small = await load(folder, { weights, threads: 1 })
  const [exact, near] = await Promise.all(
    [longtake, small].map((model) => model.inspect(FRAMES, { question: 'what ?', greedyTokens: 0 })),
  )
  const size = (values: Float32Array): number => Math.hypot(...values)
  const error = size(near!.logits.data.map((value, index) => value - exact!.logits.data[index]!))
  expect(error).toBeGreaterThan(0)
  expect(error / size(exact!.logits.data)).toBeLessThan(weights === 'int8' ? 0.05 : 0.6)
})

describe('the KV cache', () => {
  test.each(['int8', 'int4'] as const)(
    '%s that may not be prefilled whole in fp32 starts with one chunk',
    async (kvCache) => {
      const { decoder } = longtake.spec
      const memoryBudgetBytes = kvCacheBytes(decoder, 81, 'fp32') - 1
      const options = { kvCache, prefillChunk: 32, memoryBudgetBytes, promptTokens: 16, maxNewTokens: 16 }
      expect((await answerOf(longtake, options)).usage.completionTokens).toBe(12)
    },
  )

  test.each([
    { kvCache: 'int8', loss: 0.02 },
    { kvCache: 'int4', loss: 0.14 },
  ] as const)('$kvCache has room for text that is unlike the video', async ({ kvCache, loss }) => {
    const made = makeCheckpoint({}, SEED)
    // Every visual token is nearly the same, so the video alone says nothing about the ranges of text.
    const projector = made.tensors.get('multi_modal_projector.linear_2.weight')!
    projector.values = projector.values.map((value) => value * 0.01)
    const written = await writeCheckpoint(made)
    try {
      await using model = await load(written.folder, { threads: 1 })
      const question = 'what is the first colour ? what is the last colour ?'
      const [exact, near] = await Promise.all(
        (['fp32', kvCache] as const).map((type) => model.inspect(FRAMES, { question, kvCache: type })),
      )
      const { inputIds, logits, plan } = exact!
      const width = logits.dims[1]!
      const text = (values: Float32Array) =>
        values.subarray((inputIds.indexOf(VIDEO_ID) + plan.visualTokens) * width)
      const error = text(near!.logits.data).map((value, index) => value - text(logits.data)[index]!)
      expect(Math.hypot(...error) / Math.hypot(...text(logits.data))).toBeLessThan(loss)
    } finally {
      await written.remove()
    }
  })

  test('takes the bytes that the plan says', async () => {
    for (const kvCache of ['fp32', 'int8', 'int4'] as const) {
      const { plan, cacheBytes } = await longtake.inspect(FRAMES, {
        question: 'what ?',
        kvCache,
        greedyTokens: 1,
      })
      expect(cacheBytes).toBe(plan.kvCache.bytes)
    }
  })
})

describe('what is refused', () => {
  test.each<[string, string, Parameters<Awaited<ReturnType<Longtake['watch']>>['ask']>[1], string, string]>([
    ['an empty question', '  ', {}, 'INVALID_OPTION', 'question'],
    ['a question of 10,000 words', 'what is '.repeat(5000), {}, 'CONTEXT_TOO_LONG', '10002'],
    ['a question of a million words', 'what is '.repeat(500_000), {}, 'CONTEXT_TOO_LONG', '3999999'],
    ['no tokens', 'what ?', { maxTokens: 0 }, 'INVALID_OPTION', 'maxTokens'],
    ['a fraction of a token', 'what ?', { maxTokens: 1.5 }, 'INVALID_OPTION', 'maxTokens'],
    ['an empty stop', 'what ?', { stop: '' }, 'INVALID_OPTION', 'stop'],
    ['a high temperature', 'what ?', { temperature: 1e9 }, 'INVALID_OPTION', 'temperature'],
    ['an unknown option', 'what ?', { maxToken: 3 } as object, 'INVALID_OPTION', 'maxToken'],
    ['a signal that is none', 'what ?', { signal: {} } as object, 'INVALID_OPTION', 'signal'],
    ['no object', 'what ?', null as unknown as object, 'INVALID_OPTION', 'options'],
  ])('%s', async (_, question, options, code, part) => {
    await using video = await longtake.watchFrames(FRAMES)
    await expect(video.ask(question, options)).rejects.toThrow(refusal(code, part))
    expect((await video.ask('what ?', { maxTokens: 1 })).usage.completionTokens).toBe(1)
  })

  test.each<[WatchOptions, string]>([
    [{ frames: 0 }, 'frames'],
    [{ frames: Number.NaN }, 'frames'],
    [{ frames: 1e9 }, 'frames'],
    [{ framez: 3 } as object, 'framez'],
    [{ onProgress: 3 } as object, 'onProgress'],
    [{ signal: {} } as object, 'signal'],
    [null as unknown as object, 'options'],
  ])('watching with %j', async (options, option) => {
    await expect(longtake.watch(VIDEO, options)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option }),
    )
    await expect(longtake.plan(VIDEO, options)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option }),
    )
  })

  test.each<[string, InputFrame[], string]>([
    ['no pictures', [], 'frames'],
    ['a picture without width', [{ rgb: new Uint8Array(0), width: 0, height: 1 }], 'width'],
    ['too few bytes', [{ rgb: new Uint8Array(11), width: 2, height: 2 }], 'rgb'],
    ['times that go back', [{ ...FRAMES[1]! }, { ...FRAMES[0]! }], 'timestampSeconds'],
  ])('%s', async (_, frames, part) => {
    await expect(longtake.watchFrames(frames)).rejects.toThrow(refusal('INVALID_OPTION', part))
  })

  test('options that choose frames, where frames are given', async () => {
    await expect(longtake.watchFrames(FRAMES, { fps: 1 })).rejects.toThrow(refusal('INVALID_OPTION', 'fps'))
  })

  test('a missing file, a text file', async () => {
    await expect(longtake.watch('no-such-file.mp4')).rejects.toThrow(refusal('VIDEO_NOT_FOUND'))
    await expect(longtake.watch(new TextEncoder().encode('no video at all '.repeat(99)))).rejects.toThrow(
      refusal('VIDEO_NOT_A_VIDEO'),
    )
  })

  test.each([
    [{ backend: 'gpu' }, 'backend'],
    [{ backend: { name: 'resident' } }, 'backend'],
    [{ weights: 'fp8' }, 'weights'],
    [{ threads: 0 }, 'threads'],
    [{ thread: 1 }, 'thread'],
  ])('loading with %j', async (options, option) => {
    await expect(load(folder, options as object)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option }),
    )
  })
})

describe('the end', () => {
  const stages: WatchStage[] = ['open', 'decode', 'encode', 'prefill']
  test.each(
    stages.flatMap((stage) => (['fp32', 'int8'] as const).map((kvCache) => [stage, kvCache] as const)),
  )('cancelled in stage %s with %s, nothing is left', async (stage, kvCache) => {
    const before = native.liveHandles
    const controller = new AbortController()
    const onProgress = (step: WatchProgress): void => {
      if (step.stage === stage) controller.abort()
    }
    const options = { frames: 32, kvCache, prefillChunk: 8, onProgress, signal: controller.signal }
    await expect(longtake.watch(VIDEO, options)).rejects.toThrow(refusal('CANCELLED'))
    expect(native.liveHandles).toEqual(before)
  })

  test('a progress function that throws ends the watching with its own error', async () => {
    const before = native.liveHandles
    const onProgress = ({ stage, done }: WatchProgress): void => {
      if (stage === 'prefill' && done > 0) throw new RangeError('enough')
    }
    await expect(longtake.watchFrames(FRAMES, { onProgress, prefillChunk: 8 })).rejects.toThrow(
      new RangeError('enough'),
    )
    expect(native.liveHandles).toEqual(before)
  })

  test('a cancelled answer ends within a step, and the next one is as if it never was', async () => {
    const expected = (await answerOf(longtake)).text
    await using video = await longtake.watchFrames(FRAMES)
    const answer = video.ask('is the square blue ?', { maxTokens: 30 })
    for await (const _ of answer) break
    await expect(answer).rejects.toThrow(refusal('CANCELLED'))
    const controller = new AbortController()
    const waiting = video.ask('what ?', { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toThrow(refusal('CANCELLED'))
    expect((await video.ask('what is the first colour ?', { maxTokens: 12 })).text).toBe(expected)
  })

  test('closing a video ends its answers, frees it, and later questions are refused', async () => {
    const before = native.liveHandles
    const video = await longtake.watchFrames(FRAMES)
    const answers = [video.ask('what ?'), video.ask('is ?')]
    await Promise.all([video.close(), video.close()])
    for (const answer of [...answers, video.ask('what ?')]) {
      await expect(answer).rejects.toThrow(refusal('ENGINE_CLOSED', 'watch it again'))
    }
    await expect(video.storyboard()).rejects.toThrow(refusal('ENGINE_CLOSED'))
    expect(native.liveHandles).toEqual(before)
  })

  test('closing the model closes everything, also what is under way', async () => {
    let backend: ResidentBackend | undefined
    const model = await loadWith(folder, { threads: 1 }, async () => {
      backend = await openResident()
      return backend
    })
    const video = await model.watchFrames(FRAMES)
    const answer = video.ask('what ?')
    const watching = model.watch(VIDEO, { frames: 64 })
    const outcomes = Promise.allSettled([answer, watching])
    await Promise.all([model.close(), model.close()])
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: refusal('ENGINE_CLOSED') })
    await expect(model.watchFrames(FRAMES)).rejects.toThrow(refusal('ENGINE_CLOSED', 'load it again'))
    expect(Object.values(backend?.liveHandles ?? {}).filter((count) => count > 0)).toEqual([])
  })

  test('a back end of one’s own runs the model, and is closed with it or if loading fails', async () => {
    const own = await openResident()
    const model = await load(folder, { threads: 1, backend: own })
    expect(model.backend).toEqual({ name: 'resident' })
    expect(await answerOf(model)).toMatchObject({ text: (await answerOf(longtake)).text })
    expect(own.liveHandles).toMatchObject({ env: 1 })
    await model.close()
    expect(Object.values(own.liveHandles).filter((count) => count > 0)).toEqual([])
    for (const [id, options] of [
      ['no-such-folder', {}],
      [folder, { threads: 0 }],
    ] as const) {
      const backend = await openResident()
      await expect(load(id, { ...options, backend })).rejects.toThrow(Error)
      expect(Object.values(backend.liveHandles).filter((count) => count > 0)).toEqual([])
    }
  })

  test('a load that is cancelled, or fails, leaves nothing', async () => {
    await expect(load(folder, { signal: AbortSignal.abort() })).rejects.toThrow(refusal('CANCELLED'))
    const controller = new AbortController()
    const opened: ResidentBackend[] = []
    const loading = loadWith(folder, { signal: controller.signal }, async () => {
      opened.push(await openResident())
      controller.abort()
      return opened[0]!
    })
    await expect(loading).rejects.toThrow(refusal('CANCELLED'))
    expect(Object.values(opened[0]?.liveHandles ?? {}).filter((count) => count > 0)).toEqual([])
  })
})
