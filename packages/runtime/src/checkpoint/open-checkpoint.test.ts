import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import {
  BOS_ID,
  type Json,
  type MadeCheckpoint,
  makeCheckpoint,
  VIDEO_ID,
  writeCheckpoint,
} from '../../test/random-checkpoint.js'
import { type Checkpoint, openCheckpoint } from './open-checkpoint.js'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function folderOf(change: (made: MadeCheckpoint) => void = () => {}): Promise<string> {
  const made = makeCheckpoint()
  change(made)
  const { folder, remove } = await writeCheckpoint(made)
  cleanups.push(remove)
  return folder
}

async function openMade(change?: (made: MadeCheckpoint) => void): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(await folderOf(change))
  cleanups.push(() => checkpoint.close())
  return checkpoint
}

/** An error of one code, or of one of several, whose message has all parts in this order. */
const refusal = (code: string | RegExp, ...parts: string[]) =>
  expect.objectContaining({
    code: expect.stringMatching(code),
    message: expect.stringMatching(new RegExp(parts.map(escapePattern).join('[\\s\\S]*'))),
  })
const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

describe('a whole checkpoint', () => {
  test('is described for planning', async () => {
    const { model } = await openMade()
    expect(model.spec).toEqual({
      family: 'video_llava',
      encoder: { framesPerClip: 4, imageSize: 16, tokensPerFrame: 5, grid: [2, 2], classToken: true },
      decoder: { layers: 2, kvHeads: 2, headDim: 16, hiddenSize: 32, vocabularySize: 18 },
      rope: { theta: 10_000, scaling: { type: 'none' } },
      context: { trainedLength: 128, nominalLength: 128 },
      pooling: {
        guided: false,
        temperature: 0.01,
        kernel: [2, 3, 3],
        stride: [2, 3, 3],
        imageKernel: [1, 3, 3],
        imageStride: [1, 3, 3],
      },
      defaults: {
        frames: 4,
        ropeType: 'ntk',
        kvCache: 'fp32',
        pooling: 'none',
        tokenBudget: undefined,
        mostFrames: 64,
      },
    })
    expect(model.eosTokenIds).toEqual([2])
  })

  test('takes what published configs do not say from longtake.json', async () => {
    const { model } = await openMade(({ files }) => {
      files['longtake.json'] = {
        trained_length: 96,
        default_frames: 32,
        default_rope: 'ntk',
        default_kv_cache: 'int8',
      }
    })
    expect(model.spec.context).toEqual({ trainedLength: 96, nominalLength: 128 })
    expect(model.spec.defaults).toMatchObject({ frames: 32, ropeType: 'ntk', kvCache: 'int8' })
  })

  test('puts the question into the family’s prompt', async () => {
    const checkpoint = await openMade()
    expect(checkpoint.encodeQuestion('what').before).toEqual([BOS_ID, 13, 15])
    expect(checkpoint.encodeQuestion('what').after).toEqual([4, 14, 15])
    expect(checkpoint.encodePrompt('<video> what')).toEqual({ before: [BOS_ID], after: [4] })
  })

  test('opens by file: URL', async () => {
    const checkpoint = await openCheckpoint(pathToFileURL(await folderOf()))
    await checkpoint.close()
    expect(checkpoint.names.vision).toBe('video_tower.vision_model.')
  })

  test.each([
    [
      'under model.',
      (name: string) =>
        name.startsWith('language_model.lm_head')
          ? 'lm_head.weight'
          : `model.${name.replace('language_model.model.', 'language_model.')}`,
    ],
    ['with buffers and an image tower beside it', (name: string) => name],
  ])('is found %s', async (title, rename) => {
    const checkpoint = await openMade((made) => {
      const entries = [...made.tensors]
      made.tensors.clear()
      for (const [name, tensor] of entries) made.tensors.set(rename(name), tensor)
      if (title.startsWith('under')) return
      for (const [name, tensor] of entries) {
        if (name.startsWith('video_tower') && !name.includes('temporal'))
          made.tensors.set(name.replace('video', 'image'), tensor)
      }
      made.tensors.set('language_model.model.layers.0.self_attn.rotary_emb.inv_freq', {
        shape: [8],
        values: new Float32Array(8),
      })
    })
    expect(checkpoint.source.has(`${checkpoint.names.decoder.model}norm.weight`)).toBe(true)
    expect(checkpoint.source.has(checkpoint.names.decoder.head)).toBe(true)
  })

  test('without time attention encodes each frame on its own', async () => {
    const { model } = await openMade((made) => {
      delete made.config.vision_config.add_time_attn
      delete made.config.vision_config.num_frames
      for (const name of [...made.tensors.keys()]) if (name.includes('temporal')) made.tensors.delete(name)
    })
    expect(model.spec.encoder.framesPerClip).toBe(1)
    expect(model.spec.defaults.frames).toBe(8)
  })

  test('may tie its head, and leave the last vision layer out that nothing reads', async () => {
    const { model } = await openMade((made) => {
      made.config.text_config.tie_word_embeddings = true
      made.tensors.delete('language_model.lm_head.weight')
      for (const name of [...made.tensors.keys()])
        if (name.includes('vision_model.encoder.layers.1')) made.tensors.delete(name)
    })
    expect(model.decoder.tiedHead).toBe(true)
  })
})

describe('RoPE of the config', () => {
  test.each<[Json, Json]>([
    [{ rope_scaling: { type: 'linear', factor: 4 } }, { type: 'linear', factor: 4 }],
    [
      { rope_scaling: { rope_type: 'dynamic', factor: 2 } },
      { type: 'dynamic', factor: 2, originalLength: 128 },
    ],
    [{ rope_parameters: { rope_type: 'default', rope_theta: 500 } }, { type: 'none' }],
    [
      {
        rope_scaling: {
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 64,
        },
      },
      { type: 'llama3', factor: 8, originalLength: 64, lowFrequencyFactor: 1, highFrequencyFactor: 4 },
    ],
    [
      { rope_scaling: { rope_type: 'yarn', factor: 4, attention_factor: 1.1 } },
      { type: 'yarn', factor: 4, originalLength: 128, betaFast: 32, betaSlow: 1, attentionFactor: 1.1 },
    ],
  ])('%j', async (fields, scaling) => {
    const { model } = await openMade(({ config }) => Object.assign(config.text_config, fields))
    expect(model.spec.rope.scaling).toEqual(scaling)
    if (fields.rope_parameters !== undefined) expect(model.spec.rope.theta).toBe(500)
  })
})

describe('what is refused by name', () => {
  test.each<[string, (made: MadeCheckpoint) => void, string[]]>([
    [
      'another family',
      ({ config }) => Object.assign(config, { model_type: 'llava' }),
      ['model_type', '"llava"', 'video_llava', 'ppllava'],
    ],
    ['no family', ({ config }) => delete config.model_type, ['model_type']],
    [
      'another text model',
      ({ config }) => Object.assign(config.text_config, { model_type: 'qwen2' }),
      ['text_config: model_type', 'qwen2'],
    ],
    [
      'weights quantised by others',
      ({ config }) => Object.assign(config, { quantization_config: { load_in_4bit: true } }),
      ['quantization_config', 'before that'],
    ],
    [
      'a sliding window',
      ({ config }) => Object.assign(config.text_config, { sliding_window: 64 }),
      ['sliding_window', '64'],
    ],
    [
      'quantised weights',
      ({ config }) => Object.assign(config, { quantization_config: { bits: 4 } }),
      ['quantization_config'],
    ],
    [
      'another activation',
      ({ config }) => Object.assign(config.vision_config, { hidden_act: 'relu' }),
      ['vision_config: hidden_act', 'relu'],
    ],
    [
      'a list of layers',
      ({ config }) => Object.assign(config, { vision_feature_layer: [1, 2] }),
      ['vision_feature_layer'],
    ],
    [
      'an unknown RoPE',
      ({ config }) => Object.assign(config.text_config, { rope_scaling: { rope_type: 'longrope' } }),
      ['rope_type', 'longrope'],
    ],
    [
      'heads that do not divide',
      ({ config }) => Object.assign(config.text_config, { num_key_value_heads: 3 }),
      ['num_key_value_heads', '3'],
    ],
    [
      'text for a number',
      ({ config }) => Object.assign(config.text_config, { hidden_size: '32' }),
      ['hidden_size', '"32"'],
    ],
    [
      'a layer beyond the tower',
      ({ config }) => Object.assign(config, { vision_feature_layer: -9 }),
      ['vision_feature_layer', '-9'],
    ],
    [
      'a placeholder beyond the vocabulary',
      ({ config }) => Object.assign(config, { video_token_index: 99 }),
      ['video_token_index', '99'],
    ],
    [
      'pictures of another size',
      ({ files }) => {
        files['preprocessor_config.json'] = {}
      },
      ['preprocessor_config.json', '224', '16'],
    ],
    [
      'broken JSON',
      ({ files }) => {
        files['tokenizer.json'] = '{'
      },
      ['tokenizer.json'],
    ],
    [
      'JSON that is no object',
      ({ files }) => {
        files['generation_config.json'] = '[]'
      },
      ['generation_config.json'],
    ],
    [
      'a bad end token',
      ({ files }) => {
        files['generation_config.json'] = { eos_token_id: 'x' }
      },
      ['generation_config.json', 'eos_token_id'],
    ],
    [
      'an unknown field of longtake.json',
      ({ files }) => {
        files['longtake.json'] = { frames: 3 }
      },
      ['longtake.json', 'frames'],
    ],
    [
      'a chat template that fails',
      ({ files }) => {
        files['chat_template.jinja'] = '{{ raise_exception("no") }}'
      },
      ['chat template'],
    ],
    [
      'a chat template without the video',
      ({ files }) => {
        files['chat_template.jinja'] = '{{ messages[0].role }}'
      },
      ['chat template', 'exactly once'],
    ],
    [
      'a shard that leaves the folder',
      ({ files }) => {
        files['model.safetensors.index.json'] = { weight_map: { a: '../a.safetensors' } }
      },
      ['../a.safetensors'],
    ],
  ])('%s', async (_, change, parts) => {
    await expect(openMade(change)).rejects.toThrow(
      refusal(/^CHECKPOINT_(INVALID|UNSUPPORTED|NOT_FOUND)$/, ...parts),
    )
  })

  test.each<[string, (made: MadeCheckpoint) => void, string[]]>([
    [
      'missing',
      ({ tensors }) => tensors.delete('multi_modal_projector.linear_2.bias'),
      ['missing', 'multi_modal_projector.linear_2.bias'],
    ],
    [
      'extra',
      ({ tensors }) =>
        tensors.set('language_model.model.layers.7.norm.weight', { shape: [1], values: new Float32Array(1) }),
      ['not expected', 'layers.7.norm'],
    ],
    [
      'misshapen',
      ({ tensors }) =>
        tensors.set('language_model.model.norm.weight', { shape: [2, 16], values: new Float32Array(32) }),
      ['language_model.model.norm.weight', '[32]', '[2, 16]'],
    ],
    [
      'of another clip length',
      ({ config }) => Object.assign(config.vision_config, { num_frames: 8 }),
      ['temporal_embedding', '[1, 8, 16]', '[1, 4, 16]'],
    ],
    [
      'without time where the config has it',
      ({ tensors }) => tensors.delete('video_tower.vision_model.encoder.layers.0.temporal_embedding'),
      ['temporal_embedding'],
    ],
  ])('a tensor that is %s', async (_, change, parts) => {
    await expect(openMade(change)).rejects.toThrow(refusal('CHECKPOINT_TENSOR', ...parts))
  })
})

describe('ids', () => {
  test.each([
    ['./no/such/folder', 'CHECKPOINT_NOT_FOUND', 'no checkpoint folder'],
    ['@longtake/no-such-package', 'CHECKPOINT_NOT_FOUND', 'npm install @longtake/no-such-package'],
    ['nobody/has-this', 'CHECKPOINT_NOT_FOUND', 'longtake pull nobody/has-this'],
    ['https://example.com/model', 'CHECKPOINT_UNSUPPORTED', 'https:'],
    ['', 'INVALID_OPTION', 'id'],
  ])('%j is refused', async (id, code, part) => {
    await expect(openCheckpoint(id)).rejects.toThrow(refusal(code, part))
  })

  test('a folder without config.json, without weights, or with a shard missing', async () => {
    const folder = await folderOf()
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { a: 'gone.safetensors' } }),
    )
    await expect(openCheckpoint(folder)).rejects.toThrow(refusal('CHECKPOINT_NOT_FOUND', 'gone.safetensors'))
    await mkdir(join(folder, 'empty'))
    await expect(openCheckpoint(join(folder, 'empty'))).rejects.toThrow(
      refusal('CHECKPOINT_NOT_FOUND', 'config.json'),
    )
  })
})

test('a chat template makes the prompt, with content parts or with text alone', async () => {
  const parts = `{% for m in messages %}USER: {% for c in m.content %}{% if c.type == 'video' %}<video>{% else %}{{ c.text | trim }}{% endif %}{% endfor %}{% endfor %} ASSISTANT:`
  const text = `{% for m in messages %}{{ m.content }}{% endfor %} ASSISTANT:`
  for (const template of [parts, text]) {
    const checkpoint = await openMade(({ files }) => {
      files['tokenizer_config.json'] = {
        ...(files['tokenizer_config.json'] as Json),
        chat_template: template,
      }
    })
    expect(checkpoint.encodeQuestion('red').after).toEqual([8, 14, 15])
    expect(checkpoint.encodeQuestion('red').before.at(-1)).toBe(template === parts ? 15 : BOS_ID)
    expect(checkpoint.model.placeholderId).toBe(VIDEO_ID)
  }
})
