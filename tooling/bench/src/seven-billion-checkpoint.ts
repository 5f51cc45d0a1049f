import type { DecoderConfig, VisionConfig } from '@longtake/kernels'
import type { RandomCheckpoint } from './random-checkpoint.js'
import { addAffine, addDecoder, addTower, type Shapes } from './random-tensors.js'
import { type Piece, writeSentencePieces } from './sentence-pieces.js'

/** Sizes of a Video-LLaVA as first published. */
export interface VideoLlavaSizes {
  /** Both towers; the image tower has no attention over time. */
  readonly vision: VisionConfig
  readonly decoder: DecoderConfig
  /** Most positions that the config promises. */
  readonly positions: number
}

/**
 * Video-LLaVA-7B: LanguageBind's towers and Vicuna-7B v1.5.
 *
 * @remarks Source: config.json of `LanguageBind/Video-LLaVA-7B` and `LanguageBind/LanguageBind_Video_merge`.
 */
export const SEVEN_BILLION: VideoLlavaSizes = {
  vision: {
    ...{ hiddenSize: 1024, layers: 24, heads: 16, intermediateSize: 4096, imageSize: 224, patchSize: 14 },
    ...{ activation: 'gelu', layerNormEpsilon: 1e-5, temporalFrames: 8 },
    ...{ featureLayer: -2, keepClassToken: true },
  },
  decoder: {
    ...{ hiddenSize: 4096, layers: 32, heads: 32, kvHeads: 32, headDim: 128, intermediateSize: 11_008 },
    ...{ vocabularySize: 32_000, rmsNormEpsilon: 1e-5, tiedHead: false, qkvBias: false },
  },
  positions: 4096,
}

const END_TOKEN = 2
/** As the published folder is cut. */
const SHARD_BYTES = 10e9

/** The folder of an original Video-LLaVA with random weights: both towers inside, `tokenizer.model` only. */
export function videoLlavaCheckpoint(sizes: VideoLlavaSizes, shardBytes = SHARD_BYTES): RandomCheckpoint {
  const json = {
    'config.json': configOf(sizes),
    'generation_config.json': { bos_token_id: 1, eos_token_id: END_TOKEN, pad_token_id: 0 },
    'tokenizer_config.json': {
      ...{ add_bos_token: true, add_eos_token: false, bos_token: '<s>', eos_token: '</s>' },
      ...{ legacy: false, tokenizer_class: 'LlamaTokenizer', unk_token: '<unk>' },
    },
    'video_tower/config.json': { model_type: 'LanguageBindVideo', vision_config: towerOf(sizes) },
  }
  const texts = Object.entries(json).map(([path, value]) => [path, JSON.stringify(value)] as const)
  const model = writeSentencePieces(makePieces(sizes.decoder.vocabularySize))
  return {
    files: new Map<string, string | Uint8Array>([...texts, ['tokenizer.model', model]]),
    tensors: listTensors(sizes),
    zeroRows: new Map([['lm_head.weight', END_TOKEN]]),
    shardBytes,
  }
}

function configOf({ vision, decoder, positions }: VideoLlavaSizes): Readonly<Record<string, unknown>> {
  return {
    ...{ architectures: ['LlavaLlamaForCausalLM'], model_type: 'llava' },
    ...{ bos_token_id: 1, eos_token_id: END_TOKEN, pad_token_id: 0, hidden_act: 'silu' },
    hidden_size: decoder.hiddenSize,
    intermediate_size: decoder.intermediateSize,
    num_hidden_layers: decoder.layers,
    num_attention_heads: decoder.heads,
    num_key_value_heads: decoder.kvHeads,
    max_position_embeddings: positions,
    rms_norm_eps: decoder.rmsNormEpsilon,
    rope_scaling: null,
    vocab_size: decoder.vocabularySize,
    tie_word_embeddings: decoder.tiedHead,
    torch_dtype: 'bfloat16',
    ...{ image_aspect_ratio: 'pad', use_mm_proj: true, mm_projector_type: 'mlp2x_gelu' },
    ...{ mm_image_tower: 'LanguageBind/LanguageBind_Image', mm_use_im_start_end: false },
    ...{ mm_video_tower: 'LanguageBind/LanguageBind_Video_merge', mm_use_im_patch_token: false },
    ...{ mm_vision_select_feature: 'patch', mm_vision_select_layer: vision.featureLayer },
    mm_hidden_size: vision.hiddenSize,
  }
}

function towerOf({ vision }: VideoLlavaSizes): Readonly<Record<string, unknown>> {
  return {
    model_type: 'clip_vision_model',
    hidden_size: vision.hiddenSize,
    intermediate_size: vision.intermediateSize,
    num_hidden_layers: vision.layers,
    num_attention_heads: vision.heads,
    patch_size: vision.patchSize,
    image_size: vision.imageSize,
    layer_norm_eps: vision.layerNormEpsilon,
    hidden_act: vision.activation,
    add_time_attn: vision.temporalFrames > 0,
    num_frames: vision.temporalFrames,
  }
}

function listTensors({ vision, decoder }: VideoLlavaSizes): Shapes {
  const shapes: Shapes = new Map()
  addDecoder(shapes, 'model.', 'lm_head.weight', decoder)
  addTower(shapes, 'model.image_tower.image_tower.', { ...vision, temporalFrames: 0 })
  addTower(shapes, 'model.video_tower.video_tower.', vision)
  addAffine(shapes, 'model.mm_projector.0', [decoder.hiddenSize, vision.hiddenSize])
  addAffine(shapes, 'model.mm_projector.2', [decoder.hiddenSize, decoder.hiddenSize])
  return shapes
}

const LETTERS = [...'etaoinshrdlcumwfgypbvkjxqz']
const OTHERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;?!\'"-()/']

/** Llama's first 259 pieces, the characters of English, and groups of letters by length until there are enough. */
function makePieces(count: number): Piece[] {
  const fixed: Piece[] = [
    { text: '<unk>', type: 'unknown' },
    { text: '<s>', type: 'control' },
    { text: '</s>', type: 'control' },
    ...Array.from({ length: 256 }, (_, byte): Piece => {
      return { text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, type: 'byte' }
    }),
  ]
  let texts = ['▁', ...LETTERS, ...OTHERS]
  for (let stems = [...LETTERS]; texts.length < count; ) {
    const starts = stems.map((stem) => `▁${stem}`)
    stems = stems.flatMap((stem) => LETTERS.map((letter) => stem + letter))
    texts = [...texts, ...starts, ...stems]
  }
  return [...fixed, ...texts.map((text): Piece => ({ text, type: 'normal' }))].slice(0, count)
}
