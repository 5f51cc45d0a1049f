import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TensorSource } from '@longtake/kernels'
import { afterEach, describe, expect, test } from 'vitest'
import { llavaNext } from './families/llava-next.js'
import { type Checkpoint, openCheckpoint } from './open-checkpoint.js'

const parity = (name: string) =>
  fileURLToPath(new URL(`../../../../tests/data/parity/${name}/`, import.meta.url))

type Json = Record<string, unknown>
type Change = readonly [file: string, change: (json: Json) => Json]

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openFrom(source: string, changes: readonly Change[]): Promise<Checkpoint> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-llava-next-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  await cp(parity(source), folder, { recursive: true })
  for (const [file, change] of changes) {
    const path = join(folder, file)
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))))
  }
  const checkpoint = await openCheckpoint(folder)
  cleanups.push(() => checkpoint.close())
  return checkpoint
}

const open = (...changes: Change[]): Promise<Checkpoint> => openFrom('llava_next', changes)
const openMistral = (...changes: Change[]): Promise<Checkpoint> => openFrom('llava_next_mistral', changes)

const set = (fields: Json): Change => ['config.json', (config) => ({ ...config, ...fields })]
const inText = (fields: Json): Change => [
  'config.json',
  (config) => ({ ...config, text_config: { ...(config.text_config as Json), ...fields } }),
]
const processor = (fields: Json): Change => ['preprocessor_config.json', (json) => ({ ...json, ...fields })]
const pinpoints = (image_grid_pinpoints: unknown): Change[] => [
  set({ image_grid_pinpoints }),
  processor({ image_grid_pinpoints }),
]

const RESOLUTIONS = [
  [20, 40],
  [40, 20],
  [40, 40],
  [60, 20],
  [20, 60],
]

describe('LLaVA-NeXT', () => {
  test('cuts still images at the resolutions of its files, and takes frames whole', async () => {
    const { model, names } = await open()
    expect(model.spec).toMatchObject({
      family: 'llava_next',
      encoder: { framesPerClip: 1, imageSize: 20, tokensPerFrame: 25, grid: [5, 5], classToken: false },
      pooling: { guided: false },
      defaults: { frames: 8, pooling: 'none', tokenBudget: undefined },
    })
    expect(model.spec.encoder.stills).toEqual({ resolutions: RESOLUTIONS })
    expect(model.image.resize).toEqual({ width: 20, height: 20 })
    expect(names.newline).toBe('image_newline')
  })

  test('keeps the class token where its features are full', async () => {
    const { spec, vision } = (await openMistral()).model
    expect(vision.keepClassToken).toBe(true)
    expect(spec.encoder).toMatchObject({ tokensPerFrame: 26, classToken: true })
  })

  test.each([
    ['the model', [processor({ image_grid_pinpoints: null })], RESOLUTIONS],
    ['the processor', [set({ image_grid_pinpoints: null })], RESOLUTIONS],
    [
      'the model, whatever the processor',
      [
        processor({
          image_processor_type: 'CLIPImageProcessor',
          do_pad: null,
          image_grid_pinpoints: null,
          aspect_ratio_setting: null,
        }),
      ],
      RESOLUTIONS,
    ],
  ] as const)('reads resolutions that only %s has', async (_, changes, resolutions) => {
    expect((await open(...changes)).model.spec.encoder.stills).toEqual({ resolutions })
  })

  test.each([
    ['none', [], 'a list of resolutions'],
    ['no list', { 20: 40 }, 'a list of resolutions'],
    ['a word', 'anyres', 'a list of resolutions'],
    ['half a tile', [[20, 30]], "whole tiles of the tower's 20 pixels, found [20,30]"],
    ['nothing', [[0, 20]], 'whole tiles'],
    ['less than nothing', [[-20, 20]], 'whole tiles'],
    ['a billion', [[20, 1e9]], 'at most 256 tiles, found [20,1000000000]'],
    ['beyond all numbers', [[20, 1e308]], 'whole tiles'],
    ['numbers in words', [['20', 40]], 'whole tiles'],
    ['one edge', [[20]], 'whole tiles'],
    ['three edges', [[20, 20, 20]], 'whole tiles'],
    ['numbers alone', [20, 40], 'whole tiles'],
    ['null', [null], 'whole tiles'],
    ['far too many', new Array(257).fill([20, 20]), 'at most 256 resolutions, found 257'],
    ['too many tiles', [[20 * 17, 20 * 17]], 'at most 256 tiles'],
  ])('refuses resolutions that are %s, by name', async (_, value, requirement) => {
    await expect(open(...pinpoints(value))).rejects.toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_INVALID',
        message: expect.stringContaining(`config.json: image_grid_pinpoints must be`),
      }),
    )
    await expect(open(processor({ image_grid_pinpoints: value }))).rejects.toThrow(requirement)
  })

  test('refuses two files that differ', async () => {
    await expect(open(processor({ image_grid_pinpoints: [[20, 40]] }))).rejects.toThrow(
      /config\.json and preprocessor_config\.json: image_grid_pinpoints must be the same list/,
    )
  })

  test('refuses its defaults where they are no tiles of the tower', async () => {
    const silent = [set({ image_grid_pinpoints: null }), processor({ image_grid_pinpoints: null })]
    await expect(open(...silent)).rejects.toThrow('config.json (its default): image_grid_pinpoints')
  })

  test.each([
    ['tiles that are resized to another size', { size: { shortest_edge: 24 } }, 'size 24'],
    ['a picture that is not resized', { do_resize: false }, 'do_resize false'],
  ])('refuses %s', async (_, fields, found) => {
    await expect(open(processor(fields))).rejects.toThrow(
      `preprocessor_config.json: ${found} is not supported`,
    )
  })
})

describe('Mistral', () => {
  test('is a Llama with other defaults', async () => {
    // Eight heads for keys and values, of two for queries.
    await expect(openMistral(inText({ num_key_value_heads: undefined }))).rejects.toThrow(
      'num_key_value_heads',
    )
    const { decoder, spec } = (await openMistral()).model
    expect(decoder).toMatchObject({ kvHeads: 1, qkvBias: false })
    expect(spec.rope.theta).toBe(1_000_000)
  })

  test('has the prompt of its instructions', async () => {
    const template = { chat_template: null }
    const checkpoint = await openMistral(['tokenizer_config.json', (json) => ({ ...json, ...template })])
    const [mistral, vicuna] = [checkpoint.encodeQuestion('what'), (await open()).encodeQuestion('what')]
    expect(mistral.before).not.toEqual(vicuna.before)
  })

  test.each([
    ['in use', inText({ sliding_window: 256 }), 'sliding_window = 256'],
    [
      'of the default',
      [
        'config.json',
        (config: Json) => {
          const { sliding_window: _, ...text } = config.text_config as Json
          return { ...config, text_config: { ...text, max_position_embeddings: 32_768 } }
        },
      ] as const,
      'sliding_window = 4096',
    ],
    ['that is none', inText({ sliding_window: 'wide' }), 'sliding_window must be'],
    ['below 1', inText({ sliding_window: 0 }), 'sliding_window must be'],
  ])('refuses a window %s', async (_, change, message) => {
    await expect(openMistral(change)).rejects.toThrow(`config.json: text_config: ${message}`)
  })

  test('may have a window that no context reaches', async () => {
    expect((await openMistral(inText({ sliding_window: 512 }))).model.spec.context.nominalLength).toBe(512)
  })
})

test('another text model is refused by name', async () => {
  await expect(open(inText({ model_type: 'gemma' }))).rejects.toThrow('text_config: model_type = "gemma"')
})

describe('configs as published for 7B', () => {
  const pinpointsOf7b = [
    [336, 672],
    [672, 336],
    [672, 672],
    [1008, 336],
    [336, 1008],
  ]
  const config = {
    ...{ architectures: ['LlavaNextForConditionalGeneration'], ignore_index: -100, image_seq_length: 576 },
    ...{ image_grid_pinpoints: pinpointsOf7b, image_token_index: 32_000, model_type: 'llava_next' },
    ...{ multimodal_projector_bias: true, projector_hidden_act: 'gelu', tie_word_embeddings: false },
    ...{
      torch_dtype: 'float16',
      use_image_newline_parameter: true,
      vision_feature_layer: -2,
      vocab_size: 32_064,
    },
    vision_feature_select_strategy: 'default',
    vision_config: {
      ...{ hidden_size: 1024, image_size: 336, intermediate_size: 4096, model_type: 'clip_vision_model' },
      ...{
        num_attention_heads: 16,
        num_hidden_layers: 24,
        patch_size: 14,
        projection_dim: 768,
        vocab_size: 32_000,
      },
    },
  }
  const vicuna = {
    ...{
      architectures: ['LlamaForCausalLM'],
      max_position_embeddings: 4096,
      model_type: 'llama',
      pad_token_id: 0,
    },
    ...{ rms_norm_eps: 1e-5, torch_dtype: 'float16', vocab_size: 32_064 },
  }
  const mistral = {
    ...{ architectures: ['MistralForCausalLM'], intermediate_size: 14_336, max_position_embeddings: 32_768 },
    ...{ model_type: 'mistral', num_key_value_heads: 8, rms_norm_eps: 1e-5, rope_theta: 1_000_000 },
    ...{ sliding_window: null, torch_dtype: 'bfloat16', vocab_size: 32_064 },
  }
  const preprocessor = {
    ...{
      aspect_ratio_setting: 'anyres',
      crop_size: { height: 336, width: 336 },
      do_center_crop: true,
      do_pad: true,
    },
    ...{ do_convert_rgb: true, do_normalize: true, do_rescale: true, do_resize: true, resample: 3 },
    ...{ image_grid_pinpoints: pinpointsOf7b, image_processor_type: 'LlavaNextImageProcessor' },
    ...{ processor_class: 'LlavaNextProcessor', rescale_factor: 1 / 255, size: { shortest_edge: 336 } },
  }
  const source = { has: () => false } as unknown as TensorSource
  const read = (text_config: Json) =>
    llavaNext.read(
      {
        ...{ config: { ...config, text_config }, preprocessor, videoPreprocessor: undefined },
        ...{ generation: undefined, videoTower: undefined, longtake: undefined },
      },
      false,
      source,
    )

  test.each([
    ['Vicuna', vicuna, { kvHeads: 32, intermediateSize: 11_008 }, { theta: 10_000 }, 4096],
    ['Mistral', mistral, { kvHeads: 8, intermediateSize: 14_336 }, { theta: 1_000_000 }, 32_768],
  ])('over %s', (_, text, decoder, rope, nominalLength) => {
    const parts = read(text)
    expect(parts.decoder).toMatchObject({ ...decoder, layers: 32, headDim: 128, vocabularySize: 32_064 })
    expect(parts.spec).toMatchObject({ rope, context: { nominalLength } })
    expect(parts.spec.encoder).toEqual({
      ...{ framesPerClip: 1, imageSize: 336, tokensPerFrame: 576, grid: [24, 24], classToken: false },
      stills: { resolutions: pinpointsOf7b },
    })
    expect(parts.placeholderId).toBe(32_000)
  })
})
