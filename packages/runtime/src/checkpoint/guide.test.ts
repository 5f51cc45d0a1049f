import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Json,
  type MadeCheckpoint,
  makeCheckpoint,
  writeCheckpoint,
} from '../../test/random-checkpoint.js'
import { type Checkpoint, type CheckpointGuide, openCheckpoint } from './open-checkpoint.js'

const PROJECTOR = 'multi_modal_projector.'
const TEXT = `${PROJECTOR}clip_text_model.`
/** Of the made-up guide: positions, and the ids of its begin and end tokens. */
const [POSITIONS, BEGIN, END] = [12, 1, 16]

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openMade(change: (made: MadeCheckpoint) => void = () => {}): Promise<Checkpoint> {
  const made = makeCheckpoint({ guide: true })
  change(made)
  const { folder, remove } = await writeCheckpoint(made)
  cleanups.push(remove)
  const checkpoint = await openCheckpoint(folder)
  cleanups.push(() => checkpoint.close())
  return checkpoint
}

async function openGuide(change?: (made: MadeCheckpoint) => void): Promise<CheckpointGuide> {
  const { guide } = await openMade(change)
  if (guide === undefined) throw new Error('the checkpoint has no guide')
  return guide
}

const parityFolder = (name: string): URL => new URL(`../../../../tests/data/parity/${name}/`, import.meta.url)
const clipText = ({ files }: MadeCheckpoint): Json =>
  (files['clip/config.json'] as { text_config: Json }).text_config
const clipTokenizer = ({ files }: MadeCheckpoint): Json => files['clip/tokenizer.json'] as Json
const setScale =
  (value: number) =>
  ({ tensors }: MadeCheckpoint) =>
    tensors.set(`${PROJECTOR}logit_scale`, { shape: [], values: Float32Array.of(value) })

describe('a checkpoint with a guide', () => {
  test('is described for building and planning', async () => {
    const { model, guide } = await openMade(setScale(Math.log(20)))
    expect(model.guide).toEqual({
      text: {
        ...{ hiddenSize: 16, layers: 2, heads: 2, intermediateSize: 32, activation: 'quick_gelu' },
        ...{ layerNormEpsilon: 1e-5, vocabularySize: 17, projectionSize: 8, positions: POSITIONS },
      },
      alignment: { inputSize: 16, alignmentSize: 8, layerNormEpsilon: 1e-5, classToken: true },
      names: {
        text: { model: TEXT, projection: `${PROJECTOR}clip_text_projection.weight` },
        alignment: {
          norm: `${PROJECTOR}clip_visual_ln`,
          projection: `${PROJECTOR}clip_visual_projection.weight`,
        },
      },
      logitScale: `${PROJECTOR}logit_scale`,
      temperature: 0.01,
    })
    expect(guide?.logitScale).toBeCloseTo(20, 4)
    expect(model.spec.pooling.guided).toBe(true)
    expect(model.spec.defaults.pooling).toBe('none')
  })

  test('takes windows and defaults from longtake.json', async () => {
    const { model } = await openMade(({ files }) => {
      files['longtake.json'] = {
        default_pooling: 'guided',
        default_token_budget: 96,
        default_frames: 16,
        most_frames: 128,
        pooling_kernel: [4, 1, 2],
        image_pooling_kernel: [1, 2, 2],
        pooling_temperature: 0.5,
      }
    })
    expect(model.spec.pooling).toEqual({
      guided: true,
      temperature: 0.5,
      kernel: [4, 1, 2],
      stride: [4, 1, 2],
      imageKernel: [1, 2, 2],
      imageStride: [1, 2, 2],
    })
    expect(model.spec.defaults).toMatchObject({
      pooling: 'guided',
      tokenBudget: 96,
      frames: 16,
      mostFrames: 128,
    })
    expect(model.guide?.temperature).toBe(0.5)
  })

  test('is found under model. too', async () => {
    const { model } = await openMade(({ tensors }) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name)
        const moved = name.replace('language_model.model.', 'language_model.')
        tensors.set(name.startsWith('language_model.lm_head') ? 'lm_head.weight' : `model.${moved}`, tensor)
      }
    })
    expect(model.guide?.logitScale).toBe(`model.${PROJECTOR}logit_scale`)
  })

  test('has heads of 64 where its config does not say', async () => {
    const { model } = await openMade((made) => {
      delete clipText(made).num_attention_heads
    })
    expect(model.guide?.text.heads).toBe(1)
  })

  test('has 248 positions from a pair of tables, or from one that its config wants stretched', async () => {
    const paired = await openMade(({ tensors }) => {
      const name = `${TEXT}embeddings.position_embedding`
      tensors.delete(`${name}.weight`)
      for (const suffix of ['', '_res'])
        tensors.set(name + suffix, { shape: [248, 16], values: new Float32Array(248 * 16) })
    })
    const stretched = await openMade(({ config, tensors }) => {
      config.extend_clip = true
      const name = `${TEXT}embeddings.position_embedding.weight`
      tensors.set(name, { shape: [77, 16], values: new Float32Array(77 * 16) })
    })
    for (const { model } of [paired, stretched]) expect(model.guide?.text.positions).toBe(248)
  })
})

test('a checkpoint without one pools without a guide', async () => {
  const { folder, remove } = await writeCheckpoint(makeCheckpoint())
  cleanups.push(remove)
  const checkpoint = await openCheckpoint(folder)
  cleanups.push(() => checkpoint.close())
  expect(checkpoint.guide).toBeUndefined()
  expect(checkpoint.model.guide).toBeUndefined()
  expect(checkpoint.model.spec.pooling.guided).toBe(false)
})

describe('a question', () => {
  test('stands between begin and end', async () => {
    const guide = await openGuide()
    const expected = { ids: [[BEGIN, 2, 3, 4, 6, 14, END]], ends: [6], tokens: 5 }
    expect(guide.encodeText('what is the red ?')).toEqual(expected)
  })

  test.each(['', '   \n', '🎬', '<end>', '<begin> <end>', '質問', '\u0000', '\ud800'])(
    'of %j is a valid segment',
    async (question) => {
      const { ids, ends } = (await openGuide()).encodeText(question)
      expect(ids).toHaveLength(1)
      expect(ids[0]?.[0]).toBe(BEGIN)
      expect(ids[0]?.indexOf(END)).toBe(ends[0])
      expect(ends[0]).toBe((ids[0]?.length ?? 0) - 1)
    },
  )

  test('of any length loses nothing: the fewest segments that fit, equal within one token', async () => {
    const guide = await openGuide()
    const words = ['what', 'is', 'the', 'red', '?', 'zebra', '<end>', '🎬']
    const room = POSITIONS - 2
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), (question) => {
        const whole = question.flatMap((word) => guide.encodeText(word).ids[0]?.slice(1, -1) ?? [])
        const { ids, ends, tokens } = guide.encodeText(question.join(' '))
        const contents = ids.map((segment) => segment.slice(1, -1))
        expect(contents.flat()).toEqual(whole)
        expect(tokens).toBe(whole.length)
        expect(ids).toHaveLength(Math.max(Math.ceil(whole.length / room), 1))
        const lengths = contents.map(({ length }) => length)
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
        expect(Math.max(...lengths)).toBeLessThanOrEqual(room)
        expect(ends).toEqual(ids.map(({ length }) => length - 1))
        for (const [index, segment] of ids.entries()) expect(segment.indexOf(END)).toBe(ends[index])
      }),
    )
  })

  test.each([
    ['absent', undefined],
    ['2', 2],
  ])('is read at its largest id where the config’s end token is %s', async (_, id) => {
    const guide = await openGuide((made) => {
      clipText(made).eos_token_id = id
    })
    expect(guide.encodeText('what is the').ends).toEqual([4])
    // The vocabulary of a historic config has the end token last; in another the rule reads elsewhere.
    const elsewhere = await openGuide((made) => {
      clipText(made).eos_token_id = id
      clipText(made).vocab_size = 18
      const { vocab } = clipTokenizer(made).model as { vocab: Json }
      vocab.larger = 17
      made.tensors.set(`${TEXT}embeddings.token_embedding.weight`, {
        shape: [18, 16],
        values: new Float32Array(18 * 16),
      })
    })
    expect(elsewhere.encodeText('what larger is')).toMatchObject({ ids: [[BEGIN, 2, 17, 3, END]], ends: [2] })
  })

  test('gets begin and end from the config where the tokenizer puts nothing around a text', async () => {
    const guide = await openGuide((made) => {
      clipTokenizer(made).post_processor = null
    })
    expect(guide.encodeText('what').ids).toEqual([[BEGIN, 2, END]])
  })

  test.each(['ppllava', 'ppllava_btadapter', 'video_llava_guide'])(
    'becomes the ids of an independent encoder: %s',
    async (name) => {
      const checkpoint = await openCheckpoint(parityFolder(name))
      cleanups.push(() => checkpoint.close())
      const file = new URL('expected/expected.json', parityFolder(name))
      const { cases } = JSON.parse(await readFile(file, 'utf8'))
      const all = Object.values<{ question: string; guide_ids: number[] }>(cases)
      expect(all.length).toBeGreaterThan(1)
      for (const { question, guide_ids } of all) {
        const { ids, ends } = checkpoint.guide?.encodeText(question) ?? { ids: [], ends: [] }
        expect(ids).toEqual([guide_ids])
        expect(ends).toEqual([guide_ids.length - 1])
      }
    },
  )
})

/** An error of one code, or of one of several, whose message has all parts in this order. */
const refusal = (code: string | RegExp, ...parts: string[]) =>
  expect.objectContaining({
    code: expect.stringMatching(code),
    message: expect.stringMatching(new RegExp(parts.map(escapePattern).join('[\\s\\S]*'))),
  })
const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

describe('what is refused by name', () => {
  test.each<[string, (made: MadeCheckpoint) => void, string[]]>([
    [
      'a window of two numbers',
      ({ config }) => Object.assign(config, { pooling_kernel: [3, 3] }),
      ['config.json: pooling_kernel', '3 numbers', '[3,3]'],
    ],
    [
      'a window of 0',
      ({ config }) => Object.assign(config, { pooling_kernel: [2, 0, 3] }),
      ['pooling_kernel', 'from 1'],
    ],
    [
      'a window of parts',
      ({ config }) => Object.assign(config, { image_pooling_stride: [1, 1.5, 3] }),
      ['image_pooling_stride', 'whole'],
    ],
    [
      'a window of 0 in longtake.json',
      ({ files }) => Object.assign(files, { 'longtake.json': { pooling_kernel: [0, 1, 1] } }),
      ['longtake.json: pooling_kernel', 'from 1'],
    ],
    [
      'a window that is text',
      ({ files }) => Object.assign(files, { 'longtake.json': { image_pooling_kernel: '1,3,3' } }),
      ['longtake.json: image_pooling_kernel', '3 numbers'],
    ],
    [
      'temperature 0',
      ({ config }) => Object.assign(config, { pooling_temp: 0 }),
      ['pooling_temp', 'found 0'],
    ],
    [
      'a temperature below 0',
      ({ files }) => Object.assign(files, { 'longtake.json': { pooling_temperature: -1 } }),
      ['pooling_temperature', 'found -1'],
    ],
    [
      'a budget of 0',
      ({ files }) => Object.assign(files, { 'longtake.json': { default_token_budget: 0 } }),
      ['default_token_budget'],
    ],
    [
      'an unknown default',
      ({ files }) => Object.assign(files, { 'longtake.json': { default_pooling: 'mean' } }),
      ['default_pooling', 'mean', 'guided'],
    ],
    [
      'an unknown pooling',
      ({ config }) => Object.assign(config, { pooling: 'pllava' }),
      ['pooling', 'pllava'],
    ],
    [
      'another kind of guide',
      ({ files }) => Object.assign(files['clip/config.json'] as Json, { model_type: 'siglip' }),
      ['clip/config.json: model_type', 'siglip'],
    ],
    [
      'heads that do not divide',
      (made) => Object.assign(clipText(made), { num_attention_heads: 3 }),
      ['clip/config.json: text_config: num_attention_heads', '3'],
    ],
    [
      'a field nobody knows',
      (made) => Object.assign(clipText(made), { rotary: true }),
      ['clip/config.json: text_config: rotary'],
    ],
    [
      'a vocabulary smaller than the tokenizer’s',
      (made) => Object.assign((clipTokenizer(made).model as { vocab: Json }).vocab, { more: 99 }),
      ['clip/tokenizer.json', '99', '17'],
    ],
    [
      'an end token that the tokenizer does not put',
      (made) => Object.assign(clipText(made), { eos_token_id: 5 }),
      ['clip/tokenizer.json', 'disagree'],
    ],
    [
      'no end token at all',
      (made) => {
        clipTokenizer(made).post_processor = null
        delete clipText(made).eos_token_id
      },
      ['clip/tokenizer.json', 'eos_token_id'],
    ],
    [
      'a broken tokenizer',
      (made) => Object.assign(clipTokenizer(made), { pre_tokenizer: { type: 'Nonsense' } }),
      ['clip/tokenizer.json', 'Nonsense'],
    ],
  ])('%s', async (_, change, parts) => {
    await expect(openMade(change)).rejects.toThrow(refusal(/^CHECKPOINT_(INVALID|UNSUPPORTED)$/, ...parts))
  })

  test.each<[string, (made: MadeCheckpoint) => void, string[]]>([
    [
      'a scale that is missing',
      ({ tensors }) => tensors.delete(`${PROJECTOR}logit_scale`),
      ['missing', 'logit_scale'],
    ],
    [
      'a scale of one dimension',
      ({ tensors }) => tensors.set(`${PROJECTOR}logit_scale`, { shape: [1], values: Float32Array.of(2) }),
      ['logit_scale', '[]', '[1]'],
    ],
    ['a scale that is not a number', setScale(Number.NaN), ['logit_scale', 'NaN']],
    ['an infinite scale', setScale(Number.POSITIVE_INFINITY), ['logit_scale', 'Infinity']],
    ['a scale of nothing', setScale(Number.NEGATIVE_INFINITY), ['logit_scale', '-Infinity']],
    ['an absurd scale', setScale(50), ['logit_scale', '50', '10000']],
    [
      'a projection of another size',
      ({ files }) => Object.assign(files['clip/config.json'] as Json, { projection_dim: 9 }),
      ['clip_text_projection.weight', '[9, 16]', '[8, 16]'],
    ],
    [
      'a vocabulary larger than the table',
      (made) => Object.assign(clipText(made), { vocab_size: 400 }),
      ['token_embedding.weight', '[400, 16]', '[17, 16]'],
    ],
    [
      'a layer that is missing',
      (made) => Object.assign(clipText(made), { num_hidden_layers: 3 }),
      ['missing', 'clip_text_model.encoder.layers.2'],
    ],
    [
      'half a pair of position tables',
      ({ tensors }) =>
        tensors.set(`${TEXT}embeddings.position_embedding`, {
          shape: [248, 16],
          values: new Float32Array(248 * 16),
        }),
      ['missing', 'position_embedding_res'],
    ],
    [
      'no position table',
      ({ tensors }) => tensors.delete(`${TEXT}embeddings.position_embedding.weight`),
      ['missing', 'position_embedding.weight'],
    ],
    [
      'guided pooling without a guide',
      ({ files, tensors }) => {
        for (const name of [...tensors.keys()]) if (/clip_|logit/.test(name)) tensors.delete(name)
        files['longtake.json'] = { default_pooling: 'guided' }
      },
      ['longtake.json: default_pooling', 'clip_visual_projection.weight'],
    ],
  ])('%s', async (_, change, parts) => {
    await expect(openMade(change)).rejects.toThrow(refusal('CHECKPOINT_TENSOR', ...parts))
  })

  test('no folder clip/, with what to put there', async () => {
    const change = ({ files, config }: MadeCheckpoint): void => {
      delete files['clip/tokenizer.json']
      config.clip_weight = 'openai/clip-vit-large-patch14-336'
    }
    await expect(openMade(change)).rejects.toThrow(
      refusal('CHECKPOINT_NOT_FOUND', 'clip/', 'tokenizer.json', 'openai/clip-vit-large-patch14-336'),
    )
  })

  test('positions that leave no room between begin and end', async () => {
    const change = ({ tensors }: MadeCheckpoint): void => {
      tensors.set(`${TEXT}embeddings.position_embedding.weight`, {
        shape: [2, 16],
        values: new Float32Array(32),
      })
    }
    await expect(openMade(change)).rejects.toThrow(refusal('CHECKPOINT_INVALID', '2 positions'))
  })
})
