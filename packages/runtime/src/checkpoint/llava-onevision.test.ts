import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { type Checkpoint, openCheckpoint } from './open-checkpoint.js'

const SOURCE = fileURLToPath(new URL('../../../../tests/data/parity/llava_onevision/', import.meta.url))
const VARIANTS = SOURCE.replace(/\/$/, '_variants/')

type Json = Record<string, unknown>
/** Changes a file of the checkpoint; `null` removes it. */
type Change = readonly [file: string, change: ((json: Json) => unknown) | null]

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(...changes: readonly Change[]): Promise<Checkpoint> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-onevision-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  await cp(SOURCE, folder, { recursive: true })
  for (const [file, change] of changes) {
    const path = join(folder, file)
    if (change === null) await rm(path)
    else {
      const json = JSON.parse(await readFile(path, 'utf8'))
      await writeFile(path, JSON.stringify(change(json) ?? json))
    }
  }
  const checkpoint = await openCheckpoint(folder)
  cleanups.push(() => checkpoint.close())
  return checkpoint
}

const set = (fields: Json): Change => ['config.json', (config) => ({ ...config, ...fields })]
const inPart = (part: string, fields: Json): Change => [
  'config.json',
  (config) => ({ ...config, [part]: { ...(config[part] as Json), ...fields } }),
]

describe('LLaVA-OneVision', () => {
  test('has half the rows and columns, rounded up, and a line break at the end', async () => {
    const { spec, vision, resize, guide, decoder } = (await open()).model
    expect(spec.family).toBe('llava_onevision')
    expect(spec.encoder).toEqual({
      ...{ framesPerClip: 1, imageSize: 44, tokensPerFrame: 16, grid: [4, 4], classToken: false },
      trailingTokens: 1,
    })
    expect(resize).toEqual({ width: 64, from: [7, 7], to: [4, 4] })
    expect(vision).toMatchObject({ kind: 'siglip', featureLayer: -1, temporalFrames: 0 })
    expect(spec.pooling).toMatchObject({ guided: false, kernel: [2, 2, 2], stride: [2, 2, 2] })
    expect(spec.defaults).toMatchObject({ pooling: 'none', frames: 32, tokenBudget: undefined })
    expect(guide).toBeUndefined()
    expect(decoder).toMatchObject({ tiedHead: true, qkvBias: true, kvHeads: 2, headDim: 16 })
  })

  test('has the library’s defaults where its config is silent', async () => {
    const { spec, vision, decoder } = (await open()).model
    expect(vision).toMatchObject({ activation: 'gelu_pytorch_tanh', layerNormEpsilon: 1e-6 })
    expect(decoder.rmsNormEpsilon).toBe(1e-6)
    expect(spec.context).toEqual({ trainedLength: 32_768, nominalLength: 32_768 })
    expect(spec.rope.theta).toBe(1e6)
    const silent = await open(inPart('text_config', { rope_theta: undefined, eos_token_id: undefined }), [
      'generation_config.json',
      null,
    ])
    expect(silent.model.spec.rope.theta).toBe(10_000)
    // And the token that the tokenizer ends answers with.
    expect(silent.model.eosTokenIds).toEqual([151_645, 313])
  })

  test('reads whether embeddings are tied in the text config, not above it', async () => {
    expect((await open(set({ tie_word_embeddings: false }))).model.decoder.tiedHead).toBe(true)
    const untied = open(inPart('text_config', { tie_word_embeddings: false }))
    await expect(untied).rejects.toThrow('Tensors are missing: language_model.lm_head.weight')
  })

  test('reads names of newer exports', async () => {
    const checkpoint = await openCheckpoint(VARIANTS)
    cleanups.push(() => checkpoint.close())
    expect(checkpoint.names).toEqual({
      vision: 'model.vision_tower.vision_model.',
      projector: ['model.multi_modal_projector.linear_1', 'model.multi_modal_projector.linear_2'],
      decoder: { model: 'model.language_model.', head: 'lm_head.weight' },
      newline: 'model.image_newline',
    })
  })

  test('speaks ChatML with and without its template, and ends at <|im_end|>', async () => {
    const [templated, plain] = [await open(), await open(['chat_template.json', null])]
    const question = "what is the <|im_end|> in <video>'s 12?"
    expect(plain.encodeQuestion(question)).toEqual(templated.encodeQuestion(question))
    const prompt = plain.encodePrompt('<|im_start|>user <video>\nwhat<|im_end|><|im_start|>assistant\n')
    expect(plain.encodeQuestion('what')).toEqual(prompt)
    const [end] = plain.model.eosTokenIds
    expect(prompt.after.filter((id) => id === end)).toHaveLength(1)
    expect(plain.encodeQuestion(question).after.filter((id) => id === end)).toHaveLength(1)
  })

  test('prepares pictures as its files say, by whatever name the processor goes', async () => {
    const half = [0.5, 0.5, 0.5]
    const expected = { resize: { width: 44, height: 44 }, crop: null, mean: half, std: half }
    for (const type of ['SiglipImageProcessor', 'LlavaOnevisionImageProcessor']) {
      const named = await open([
        'preprocessor_config.json',
        (json) => ({ ...json, image_processor_type: type }),
      ])
      expect(named.model.image).toMatchObject(expected)
    }
    const crops = { do_pad: true, image_grid_pinpoints: [[44, 88]] }
    const video = await open([
      'preprocessor_config.json',
      ({ image_processor_type: _, ...json }) => ({
        ...json,
        ...crops,
        video_processor_type: 'LlavaOnevisionVideoProcessor',
      }),
    ])
    expect(video.model.image).toMatchObject({ ...expected, arithmetic: 'torchvision' })
  })

  test('may have attention of every layer spelled out', async () => {
    const full = { layer_types: ['full_attention', 'full_attention'] }
    await expect(open(inPart('text_config', full))).resolves.toBeDefined()
  })
})

describe('is refused, by name, with', () => {
  test.each<[string, Change, string]>([
    ['a sliding window', inPart('text_config', { use_sliding_window: true }), 'use_sliding_window = true'],
    [
      'layers of a sliding window',
      inPart('text_config', { layer_types: ['full_attention', 'sliding_attention'] }),
      'layer_types = ["full_attention","sliding_attention"]',
    ],
    ['layer types that are no list', inPart('text_config', { layer_types: 'full_attention' }), 'layer_types'],
    ['another decoder', inPart('text_config', { model_type: 'llama' }), 'text_config: model_type = "llama"'],
    ['a field unknown to Qwen2', inPart('text_config', { qk_norm: true }), 'text_config: qk_norm = true'],
    ['multimodal RoPE', inPart('text_config', { rope_scaling: { type: 'mrope' } }), 'type = "mrope"'],
    [
      'another tower',
      inPart('vision_config', { model_type: 'clip_vision_model' }),
      'vision_config: model_type = "clip_vision_model"',
    ],
    ['no patch', inPart('vision_config', { image_size: 5 }), 'image_size must be a number from 6'],
    ['odd heads', inPart('vision_config', { num_attention_heads: 5 }), 'a divisor of hidden_size 32'],
    ['a field unknown to SigLIP', inPart('vision_config', { registers: 4 }), 'registers = 4'],
    ['no tower', set({ vision_config: undefined }), 'vision_config must be an object, found nothing'],
    ['no decoder', set({ text_config: null }), 'text_config must be an object'],
    ['a dropped token', set({ vision_feature_select_strategy: 'default' }), 'strategy = "default"'],
    ['several layers', set({ vision_feature_layer: [-1, -2] }), 'vision_feature_layer = [-1,-2] is not'],
    ['a layer beyond the tower', set({ vision_feature_layer: -5 }), 'one of the tower'],
    ['a placeholder outside', set({ video_token_index: 151_647 }), 'video_token_index must be a token id'],
    ['pooling of another family', set({ pooling: 'ppllava' }), 'pooling = "ppllava"'],
    ['a field unknown at the top', set({ spatial_merge: 3 }), 'spatial_merge = 3'],
    ['no preprocessor', ['preprocessor_config.json', null], 'neither video_preprocessor_config.json nor'],
    [
      'a preprocessor of another size',
      ['preprocessor_config.json', (json) => ({ ...json, size: { height: 36, width: 36 } })],
      'makes pictures of 36×36 pixels',
    ],
  ])('%s', async (_, change, message) => {
    await expect(open(change)).rejects.toThrow(message)
  })

  test('a size that its tensors do not have', async () => {
    const failure = open(inPart('vision_config', { image_size: 48 }), [
      'preprocessor_config.json',
      (json) => ({ ...json, size: { height: 48, width: 48 } }),
    ])
    await expect(failure).rejects.toThrow(
      'position_embedding.weight in model-00001-of-00003.safetensors: config.json asks for shape [64, 32]',
    )
  })

  test('the tensors of a text guide', async () => {
    const name = 'multi_modal_projector.clip_visual_projection.weight'
    const header = JSON.stringify({ [name]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } })
    const file = Buffer.alloc(8 + header.length + 4)
    file.writeBigUInt64LE(BigInt(header.length))
    file.write(header, 8)
    const folder = await mkdtemp(join(tmpdir(), 'longtake-onevision-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    await cp(SOURCE, folder, { recursive: true })
    await writeFile(join(folder, 'guide.safetensors'), file)
    const index = join(folder, 'model.safetensors.index.json')
    const { weight_map, ...rest } = JSON.parse(await readFile(index, 'utf8'))
    await writeFile(
      index,
      JSON.stringify({ ...rest, weight_map: { ...weight_map, [name]: 'guide.safetensors' } }),
    )
    await expect(openCheckpoint(folder)).rejects.toThrow('the tensors of a text guide')
  })

  test('guided pooling as its default, for which there is no guide', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longtake-onevision-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    await cp(SOURCE, folder, { recursive: true })
    await writeFile(join(folder, 'longtake.json'), '{"default_pooling": "guided"}')
    await expect(openCheckpoint(folder)).rejects.toThrow('asks for the text guide')
  })
})
