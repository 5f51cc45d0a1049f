import type { PlanOptions } from '@longtake/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeCheckpoint } from '../../test/random-checkpoint.js'
import { openBackend } from '../ort/index.js'
import { openResident, type ResidentBackend } from '../ort/resident.js'
import { type Longtake, loadWith } from './longtake.js'
import {
  LOGIT_SCALE,
  makeGuided,
  naiveCosine,
  naivePool,
  naiveSoftmax,
  naiveWindows,
} from './testing/naive-guide.js'
import type { InputFrame, WatchOptions, WatchProgress } from './watch-options.js'

const VIDEO = new URL('../../../../tests/data/video/vp9.webm', import.meta.url)
const QUESTION = 'what is the first colour ?'
const FRAMES = makeFrames(16)
const GUIDED = { method: 'guided', kernel: [2, 2, 2] } as const

let folder: string
let removeFolder: () => Promise<void>
let native: ResidentBackend
let longtake: Longtake

beforeAll(async () => {
  const written = await writeCheckpoint(makeGuided())
  folder = written.folder
  removeFolder = written.remove
  longtake = await loadWith(folder, { threads: 1 }, async () => {
    native = await openResident()
    return native
  })
  for (const kvCache of ['fp32', 'int8', 'int4'] as const) await answerOf(longtake, { kvCache })
})

afterAll(async () => {
  await longtake?.close()
  await removeFolder?.()
})

/** Pictures that all differ. */
function makeFrames(count: number): InputFrame[] {
  return Array.from({ length: count }, (_, index) => {
    const rgb = new Uint8Array(40 * 36 * 3).map((_, place) => (place * 7 + index * index * 31) % 256)
    return { rgb, width: 40, height: 36, timestampSeconds: 2 + index }
  })
}

async function answerOf(model: Longtake, options: WatchOptions = {}, question = QUESTION) {
  await using video = await model.watchFrames(FRAMES, { pooling: GUIDED, ...options })
  return await video.ask(question, { maxTokens: 12 })
}

const refusal = (code: string, part = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(part) })

const closeTo = (values: Iterable<number>, expected: readonly number[], tolerance: number): void => {
  const all = [...values]
  expect(all).toHaveLength(expected.length)
  const worst = all.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0)
  expect(worst).toBeLessThan(tolerance)
}

describe('what enters the context', () => {
  test.each<PlanOptions>([
    { pooling: GUIDED },
    { pooling: GUIDED, layout: 'unordered' },
    { pooling: GUIDED, layout: 'contiguous' },
    { pooling: { method: 'guided', kernel: [3, 2, 3], stride: [2, 1, 2] } },
    { pooling: { method: 'guided', shape: [1, 2, 2] } },
    { pooling: 'guided' },
    { pooling: 'guided', tokenBudget: 5 },
    { pooling: 'guided', tokenBudget: 1 },
    { pooling: { method: 'average', kernel: [2, 2, 2] } },
    { pooling: { method: 'max', kernel: [2, 2, 2] }, layout: 'unordered' },
    { pooling: 'average', tokenBudget: 8 },
  ])('is what the formulas give: %j', async (options) => {
    const inspection = await longtake.inspect(FRAMES, { question: QUESTION, greedyTokens: 4, ...options })
    const { plan, visualTokens } = inspection
    const { pooling } = plan
    if (pooling === null) throw new Error('not pooled')
    const [frames, rows, columns] = pooling.grid
    let relevance: readonly number[] = new Array<number>(frames * rows * columns).fill(0)
    if (pooling.method === 'guided') {
      const cosine = naiveCosine(inspection)
      closeTo(inspection.alignmentCosine?.data ?? [], cosine, 1e-6)
      relevance = naiveSoftmax(cosine.map((value) => value * LOGIT_SCALE))
      closeTo(inspection.alignment?.data ?? [], relevance, 1e-6)
      expect(Math.hypot(...(inspection.textEmbedding?.data ?? []))).toBeCloseTo(1, 6)
    }
    closeTo(visualTokens.data, naivePool(inspection, pooling, relevance).flat(), 1e-4)
    expect(visualTokens.dims[0]).toBe(plan.visualTokens)
  })

  test('answers are those of the inspected context', async () => {
    const { model } = makeGuided().files['tokenizer.json'] as { model: { vocab: Record<string, number> } }
    const words = new Map(Object.entries(model.vocab).map(([word, id]) => [id, word]))
    for (const method of ['guided', 'average', 'max'] as const) {
      const options = { pooling: { method, kernel: [2, 2, 2] as const } }
      const { greedy } = await longtake.inspect(FRAMES, { question: QUESTION, greedyTokens: 12, ...options })
      const { text, usage } = await answerOf(longtake, options)
      // An inspection goes on past the end of an answer; special tokens have no text.
      const spoken = greedy.slice(0, usage.completionTokens).map((id) => words.get(id) ?? '')
      expect(text).toBe(spoken.filter((word) => !word.startsWith('<')).join(' '))
      expect(usage).toMatchObject({ visualTokens: 8 * 2 * 2 })
    }
  })

  test('other questions see other tokens, and the same one the same', async () => {
    const inspect = (question: string) =>
      longtake.inspect(FRAMES, { question, greedyTokens: 0, pooling: GUIDED })
    const [one, other, again] = [
      await inspect(QUESTION),
      await inspect('is the last blue ?'),
      await inspect(QUESTION),
    ]
    expect(again.visualTokens.data).toEqual(one.visualTokens.data)
    expect(other.visualTokens.data).not.toEqual(one.visualTokens.data)
  })
})

describe('guided answers', () => {
  test('both back ends, every KV type and chunk length give the same text', async () => {
    await using portable = await loadWith(folder, { threads: 1 }, () => openBackend('portable'))
    for (const kvCache of ['fp32', 'int8', 'int4'] as const) {
      const { text } = await answerOf(longtake, { kvCache })
      expect((await answerOf(portable, { kvCache })).text).toBe(text)
      expect((await answerOf(longtake, { kvCache, prefillChunk: 7 })).text).toBe(text)
    }
  })

  test('a video file answers guided; questions at once are answered as if alone', async () => {
    const progress: WatchProgress[] = []
    const onProgress = (step: WatchProgress): void => void progress.push(step)
    await using video = await longtake.watch(VIDEO, { frames: 12, pooling: GUIDED, onProgress })
    const questions = [QUESTION, 'is the last blue ?', QUESTION]
    const alone = []
    for (const question of questions) alone.push((await video.ask(question, { maxTokens: 8 })).text)
    const together = await Promise.all(questions.map((question) => video.ask(question, { maxTokens: 8 })))
    expect(together.map(({ text }) => text)).toEqual(alone)
    expect(alone[2]).toBe(alone[0])
    expect([...new Set(progress.map(({ stage }) => stage))]).toEqual(['open', 'decode', 'encode', 'prefill'])
    expect(progress.at(-1)).toMatchObject({ stage: 'prefill', total: 0 })
    expect(together[0]?.timings.prefill).toBe(0)
    expect(video.timestamps).toHaveLength(video.plan.frames)
  })

  test('weights and relevance of frames add up to 1, and follow the trace', async () => {
    await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED, layout: 'unordered' })
    const { frames, trace } = await video.ask(QUESTION, { maxTokens: 2, trace: true })
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)
    expect(sum(frames.map(({ weight }) => weight))).toBeCloseTo(1, 6)
    expect(sum(frames.map(({ relevance = 0 }) => relevance))).toBeCloseTo(1, 5)
    if (trace === undefined) throw new Error('no trace')
    const [, rows, columns] = trace.grid
    const windows = naiveWindows(trace.pooling)
    expect(trace.windows).toHaveLength(windows.length)
    expect(sum(trace.windows.map(({ attention }) => attention))).toBeCloseTo(1, 6)
    const expected = new Array<number>(FRAMES.length).fill(0)
    for (const [index, { frames: span, row, column, attention, members }] of trace.windows.entries()) {
      const own = windows[index]!
      expect([span[0], row, column]).toEqual(own[0])
      expect(span[1] - 1).toBe(own.at(-1)![0])
      const relevance = own.map(([place, y, x]) => trace.relevance[(place * rows + y) * columns + x]!)
      closeTo(members, naiveSoftmax(relevance.map((value) => value / trace.pooling.temperature)), 1e-6)
      for (const [at, [place]] of own.entries()) expected[trace.order[place]!]! += attention * members[at]!
    }
    closeTo(
      frames.map(({ weight }) => weight),
      expected,
      1e-6,
    )
    expect(trace.order).not.toEqual(trace.order.toSorted((a, b) => a - b))
    for (const { index, relevance } of frames) {
      const place = trace.order.indexOf(index)
      const own = trace.relevance.subarray(place * rows * columns, (place + 1) * rows * columns)
      expect(relevance).toBeCloseTo(sum(own), 6)
    }
    expect(trace).toMatchObject({ question: QUESTION, textTokens: 6, guideSegments: 1 })
    expect(trace.prompt.after).toContain('first')
  })

  test('traces of pooled answers without a guide have no relevance; without pooling there is none', async () => {
    await using average = await longtake.watchFrames(FRAMES, { pooling: 'average' })
    const { trace, frames } = await average.ask(QUESTION, { maxTokens: 1, trace: true })
    expect(trace?.relevance).toHaveLength(0)
    expect(trace?.windows.length).toBe(average.plan.visualTokens)
    expect(frames.every(({ relevance }) => relevance === undefined)).toBe(true)
    await using plain = await longtake.watchFrames(FRAMES)
    expect(await plain.ask(QUESTION, { maxTokens: 1, trace: true })).not.toHaveProperty('trace')
    await expect(plain.ask(QUESTION, { trace: 1 } as object)).rejects.toThrow(
      refusal('INVALID_OPTION', 'trace'),
    )
  })

  test('a question longer than the guide is read in parts, and the answer says so', async () => {
    const question = 'what is the first colour ? what is the last colour ? is the blue green ?'
    await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    const { notes, trace } = await video.ask(question, { maxTokens: 1, trace: true })
    expect(trace).toMatchObject({ guideSegments: 2, textTokens: 17 })
    expect(notes.join()).toMatch(/17 tokens.*2 equal parts/)
    expect((await video.ask(QUESTION, { maxTokens: 1 })).notes).toEqual([])
  })

  test.each(['🙂', '🙂🙂🙂 🎉', 'что это ?', '这是什么', '‏مرحبا', '</s><video><begin><end>', '\u0000'])(
    'the question %j has an answer',
    async (question) => {
      await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
      const { frames } = await video.ask(question, { maxTokens: 2 })
      expect(frames.every(({ weight, relevance = -1 }) => weight >= 0 && relevance >= 0)).toBe(true)
    },
  )

  test('an empty question, and one beyond the plan, are refused', async () => {
    await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    await expect(video.ask('  ')).rejects.toThrow(refusal('INVALID_OPTION', 'question'))
    await expect(video.ask('what is '.repeat(5000))).rejects.toThrow(refusal('CONTEXT_TOO_LONG'))
    await expect(
      longtake.watchFrames(FRAMES, { pooling: GUIDED, promptTokens: 0, maxNewTokens: 1 }),
    ).rejects.toThrow(refusal('CONTEXT_TOO_LONG', 'promptTokens'))
  })

  test('pictures of the storyboard are there one by one', async () => {
    await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    const picture = Buffer.from(await video.thumbnail(3))
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    expect(picture.equals(Buffer.from(await video.thumbnail(4)))).toBe(false)
    await expect(video.thumbnail(16)).rejects.toThrow(refusal('INVALID_OPTION', 'index'))
    await expect(video.thumbnail(-1)).rejects.toThrow(refusal('INVALID_OPTION', 'index'))
    const before = Buffer.from(await video.storyboard())
    await video.ask(QUESTION, { maxTokens: 1 })
    expect(Buffer.from(await video.storyboard()).equals(before)).toBe(false)
  })
})

describe('the end of guided answers', () => {
  test('questions leave nothing behind in memory', async () => {
    const before = native.liveHandles
    const video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    expect(native.liveHandles).toEqual(before)
    for (const question of [QUESTION, 'is the last blue ?', QUESTION]) {
      await video.ask(question, { maxTokens: 3 })
      expect(native.liveHandles).toEqual(before)
    }
    await video.close()
    expect(native.liveHandles).toEqual(before)
  })

  test('closing ends answers under way', async () => {
    const before = native.liveHandles
    const video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    const answers = [video.ask(QUESTION), video.ask('what ?')]
    await Promise.all([video.close(), video.close()])
    for (const answer of [...answers, video.ask('what ?'), video.thumbnail(0)]) {
      await expect(answer).rejects.toThrow(refusal('ENGINE_CLOSED', 'watch it again'))
    }
    expect(native.liveHandles).toEqual(before)
  })

  test('a cancelled answer leaves the next one as it was, whenever it is cancelled', async () => {
    const before = native.liveHandles
    await using video = await longtake.watchFrames(FRAMES, { pooling: GUIDED })
    const { text } = await video.ask(QUESTION, { maxTokens: 8 })
    for (let turns = 0; turns < 40; turns += 3) {
      const controller = new AbortController()
      const answer = video.ask('is the last blue ?', { maxTokens: 30, signal: controller.signal })
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      controller.abort()
      const outcome = await Promise.resolve(answer).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      )
      expect(['answered', 'CANCELLED']).toContain(outcome)
      expect(native.liveHandles).toEqual(before)
    }
    expect((await video.ask(QUESTION, { maxTokens: 8 })).text).toBe(text)
  })

  test.each(['open', 'decode', 'encode', 'prefill'] as const)(
    'cancelled in stage %s, nothing is left',
    async (stage) => {
      for (const pooling of [GUIDED, 'average'] as const) {
        const before = native.liveHandles
        const controller = new AbortController()
        const onProgress = (step: WatchProgress): void => {
          if (step.stage === stage) controller.abort()
        }
        const options = { frames: 16, pooling, onProgress, signal: controller.signal }
        await expect(longtake.watch(VIDEO, options)).rejects.toThrow(refusal('CANCELLED'))
        expect(native.liveHandles).toEqual(before)
      }
    },
  )
})
