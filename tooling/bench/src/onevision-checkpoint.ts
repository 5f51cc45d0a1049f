import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { DecoderConfig, VisionConfig } from '@longtake/kernels'
import { isRecord, parseJson } from './json.js'
import type { RandomCheckpoint } from './random-checkpoint.js'
import { addAffine, addDecoder, addTower, type Shapes } from './random-tensors.js'

/** Sizes of a LLaVA-OneVision. */
export interface OnevisionSizes {
  readonly vision: VisionConfig
  readonly decoder: DecoderConfig
  /** First id of the special tokens, which lie behind all words. */
  readonly firstSpecial: number
}

/**
 * LLaVA-OneVision-Qwen2-0.5B: SigLIP so400m/14 at 384 and Qwen2-0.5B.
 *
 * @remarks Source: config.json and tokenizer.json of `llava-hf/llava-onevision-qwen2-0.5b-ov-hf`.
 */
export const ONEVISION_SIZES: OnevisionSizes = {
  vision: {
    ...{ kind: 'siglip', hiddenSize: 1152, layers: 26, heads: 16, intermediateSize: 4304 },
    ...{ imageSize: 384, patchSize: 14, activation: 'gelu_pytorch_tanh', layerNormEpsilon: 1e-6 },
    ...{ temporalFrames: 0, featureLayer: -1, keepClassToken: false },
  },
  decoder: {
    ...{ hiddenSize: 896, layers: 24, heads: 14, kvHeads: 2, headDim: 64, intermediateSize: 4864 },
    ...{ vocabularySize: 152_000, rmsNormEpsilon: 1e-6, tiedHead: true, qkvBias: true },
  },
  firstSpecial: 151_643,
}

/** A random checkpoint in the published layout that comes with the repository; its tokenizer is built upon. */
const TEMPLATE = new URL('../../../tests/data/parity/llava_onevision/', import.meta.url)
const COPIED = ['chat_template.json', 'tokenizer_config.json']
const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<image>', '<video>'] as const
const SHARD_BYTES = 5e9

/** The folder of a LLaVA-OneVision with random weights. */
export async function onevisionCheckpoint(sizes: OnevisionSizes): Promise<RandomCheckpoint> {
  const copied = await Promise.all(COPIED.map(async (name) => [name, await readTemplate(name)] as const))
  const side = sizes.vision.imageSize
  const end = idOf(sizes, '<|im_end|>')
  const json = {
    'config.json': configOf(sizes),
    'generation_config.json': { bos_token_id: idOf(sizes, '<|endoftext|>'), eos_token_id: [end] },
    'preprocessor_config.json': {
      ...{ image_processor_type: 'LlavaOnevisionImageProcessor', do_resize: true, do_rescale: true },
      ...{ do_normalize: true, do_convert_rgb: true, do_pad: true, resample: 3, rescale_factor: 1 / 255 },
      ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: { height: side, width: side } },
    },
    'tokenizer.json': withWords(parseJson(await readTemplate('tokenizer.json'), 'tokenizer.json'), sizes),
  }
  const texts = Object.entries(json).map(([path, value]) => [path, JSON.stringify(value)] as const)
  return {
    files: new Map<string, string | Uint8Array>([...copied, ...texts]),
    tensors: listTensors(sizes),
    zeroRows: new Map([['language_model.model.embed_tokens.weight', end]]),
    shardBytes: SHARD_BYTES,
  }
}

function idOf({ firstSpecial }: OnevisionSizes, token: (typeof SPECIALS)[number]): number {
  return firstSpecial + SPECIALS.indexOf(token)
}

async function readTemplate(name: string): Promise<Uint8Array> {
  return readFile(fileURLToPath(new URL(name, TEMPLATE)))
}

function configOf(sizes: OnevisionSizes): Readonly<Record<string, unknown>> {
  const { vision, decoder } = sizes
  return {
    ...{ model_type: 'llava_onevision', architectures: ['LlavaOnevisionForConditionalGeneration'] },
    ...{ projector_hidden_act: 'gelu', vision_aspect_ratio: 'anyres_max_9' },
    ...{ vision_feature_layer: vision.featureLayer, vision_feature_select_strategy: 'full' },
    ...{ use_image_newline_parameter: true, torch_dtype: 'bfloat16', tie_word_embeddings: false },
    image_token_index: idOf(sizes, '<image>'),
    video_token_index: idOf(sizes, '<video>'),
    vision_config: {
      ...{ model_type: 'siglip_vision_model', vision_use_head: false, image_size: vision.imageSize },
      ...{ hidden_size: vision.hiddenSize, intermediate_size: vision.intermediateSize },
      ...{ num_hidden_layers: vision.layers, num_attention_heads: vision.heads },
      patch_size: vision.patchSize,
    },
    text_config: {
      ...{ model_type: 'qwen2', hidden_act: 'silu', rope_theta: 1e6, use_sliding_window: false },
      ...{ hidden_size: decoder.hiddenSize, intermediate_size: decoder.intermediateSize },
      ...{ num_hidden_layers: decoder.layers, num_attention_heads: decoder.heads },
      ...{ num_key_value_heads: decoder.kvHeads, max_position_embeddings: 32_768 },
      ...{ rms_norm_eps: decoder.rmsNormEpsilon, tie_word_embeddings: decoder.tiedHead },
      ...{ vocab_size: decoder.vocabularySize, eos_token_id: idOf(sizes, '<|im_end|>') },
    },
  }
}

function listTensors({ vision, decoder }: OnevisionSizes): Shapes {
  const shapes: Shapes = new Map([['image_newline', [decoder.hiddenSize]]])
  addTower(shapes, 'vision_tower.vision_model.', vision)
  addAffine(shapes, 'multi_modal_projector.linear_1', [decoder.hiddenSize, vision.hiddenSize])
  addAffine(shapes, 'multi_modal_projector.linear_2', [decoder.hiddenSize, decoder.hiddenSize])
  addDecoder(shapes, 'language_model.model.', 'language_model.lm_head.weight', decoder)
  return shapes
}

/** Fills the vocabulary up with words that no merge makes, and moves the special tokens behind them. */
function withWords(tokenizer: unknown, { firstSpecial }: OnevisionSizes): unknown {
  if (!isRecord(tokenizer) || !isRecord(tokenizer.model) || !isRecord(tokenizer.model.vocab)) return tokenizer
  const words: Record<string, unknown> = { ...tokenizer.model.vocab }
  for (let id = Object.keys(words).length; id < firstSpecial; id++) words[`Ġword${id}`] = id
  const base = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const added = SPECIALS.map((content, index) => ({ ...base, content, id: firstSpecial + index }))
  return { ...tokenizer, model: { ...tokenizer.model, vocab: words }, added_tokens: added }
}
