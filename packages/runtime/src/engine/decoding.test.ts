import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Json, makeCheckpoint, writeCheckpoint } from '../../test/random-checkpoint.js'
import type { AnswerResult } from './answer.js'
import type { AskOptions } from './ask-options.js'
import { type Longtake, load } from './longtake.js'
import type { InputFrame } from './watch-options.js'

/** Weights whose answers are not one word over and over. */
const SEED = 4
const PICTURES: InputFrame[] = Array.from({ length: 4 }, (_, index) => ({
  rgb: new Uint8Array(20 * 16 * 3).map((_, place) => (place * 7 + index * 31) % 256),
  width: 20,
  height: 16,
  timestampSeconds: index,
}))
const QUESTION = 'what is red ?'
const GENERATION = {
  do_sample: true,
  temperature: 1.5,
  top_k: 9,
  top_p: 0.9,
  min_p: 0.01,
  repetition_penalty: 1.4,
}
const AS_OPTIONS = { temperature: 1.5, topK: 9, topP: 0.9, minP: 0.01, repetitionPenalty: 1.4 }

let plain: Longtake
let remove: () => Promise<void>

beforeAll(async () => {
  const written = await writeCheckpoint(makeCheckpoint({}, SEED))
  remove = written.remove
  plain = await load(written.folder, { threads: 1 })
})

afterAll(async () => {
  await plain?.close()
  await remove?.()
})

async function ask(model: Longtake, options: AskOptions = {}): Promise<AnswerResult> {
  await using video = await model.watchFrames(PICTURES)
  return await video.ask(QUESTION, { maxTokens: 12, ...options })
}

/** What a checkpoint answers whose files were changed. */
async function askChanged(files: Record<string, Json>, options: AskOptions = {}): Promise<AnswerResult> {
  const made = makeCheckpoint({}, SEED)
  for (const [name, changes] of Object.entries(files))
    made.files[name] = { ...(made.files[name] as Json), ...changes }
  const written = await writeCheckpoint(made)
  try {
    await using model = await load(written.folder, { threads: 1 })
    return await ask(model, options)
  } finally {
    await written.remove()
  }
}

describe('a repetition penalty', () => {
  test('keeps what was said, in the answer or the question, from coming again, without a temperature', async () => {
    const words = (await ask(plain)).text.split(' ')
    expect(new Set(words).size).toBeLessThan(words.length)
    const penalised = (await ask(plain, { repetitionPenalty: 100, maxTokens: 6 })).text.split(' ')
    expect(new Set(penalised).size).toBe(penalised.length)
    for (const word of QUESTION.split(' ')) expect(penalised).not.toContain(word)
  })

  test('of 1 changes nothing', async () => {
    expect((await ask(plain, { repetitionPenalty: 1 })).text).toBe((await ask(plain)).text)
  })
})

describe('generation_config.json', () => {
  test('does not change what is asked without saying so: greedy, without a penalty', async () => {
    const { text } = await askChanged({ 'generation_config.json': GENERATION })
    expect(text).toBe((await ask(plain)).text)
  })

  test('is followed where it is asked for, and what is given beside it counts first', async () => {
    const files = { 'generation_config.json': GENERATION }
    const followed = await askChanged(files, { samplingDefaults: 'checkpoint', seed: 11 })
    expect(followed.text).toBe((await ask(plain, { ...AS_OPTIONS, seed: 11 })).text)
    const given = { samplingDefaults: 'checkpoint', temperature: 0, repetitionPenalty: 1 } as const
    expect((await askChanged(files, given)).text).toBe((await ask(plain)).text)
  })

  test('without do_sample is greedy with its penalty', async () => {
    const files = { 'generation_config.json': { temperature: 0.7, repetition_penalty: 1.4 } }
    const { text } = await askChanged(files, { samplingDefaults: 'checkpoint' })
    expect(text).toBe((await ask(plain, { repetitionPenalty: 1.4 })).text)
  })

  test('that is out of range is refused by its field, and only where it is followed', async () => {
    const files = { 'generation_config.json': { do_sample: true, top_p: 7 } }
    expect((await askChanged(files)).text).toBe((await ask(plain)).text)
    await expect(askChanged(files, { samplingDefaults: 'checkpoint' })).rejects.toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_INVALID', message: expect.stringContaining('top_p') }),
    )
  })
})

test('an answer ends at the token that the tokenizer ends texts with, whatever ids the configs name', async () => {
  const words = (await ask(plain)).text.split(' ')
  const place = words.findIndex((word, index) => index > 0 && !words.slice(0, index).includes(word))
  const ended = await askChanged({
    'generation_config.json': { eos_token_id: [0] },
    'tokenizer_config.json': { eos_token: { content: words[place], special: true } },
  })
  expect(ended).toMatchObject({ text: words.slice(0, place).join(' '), finishReason: 'stop' })
})
