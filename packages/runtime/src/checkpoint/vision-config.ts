import type { VisionConfig } from '@longtake/kernels'
import type { Fields } from './fields.js'
import { HARMLESS_SIGLIP, HARMLESS_VISION } from './harmless.js'

const MAX_SIZE = 1 << 16
/** Frames of one clip: LanguageBind towers have 8; a table of more than this is no video tower. */
const MAX_CLIP_FRAMES = 256

/**
 * Reads a CLIP vision config, with LanguageBind's time fields where it has them; absent fields have the library's
 * defaults (those of CLIP ViT-L/14 at 224, which is what the published towers are).
 *
 * @param featureLayer - Hidden state to take, counted from the end when negative.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readClipVisionConfig(
  fields: Fields,
  featureLayer: number,
  keepClassToken: boolean,
): VisionConfig {
  fields.word(
    'model_type',
    ['clip_vision_model', 'LanguageBindVideo', 'languagebind_video'],
    'clip_vision_model',
  )
  fields.integer('num_channels', { default: 3, min: 3, max: 3 })
  const hiddenSize = fields.integer('hidden_size', { default: 1024, min: 1, max: MAX_SIZE })
  const heads = fields.integer('num_attention_heads', { default: 16, min: 1, max: 1024 })
  if (hiddenSize % heads !== 0)
    throw fields.invalid('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`)
  const layers = fields.integer('num_hidden_layers', { default: 24, min: 1, max: 1024 })
  const patchSize = fields.integer('patch_size', { default: 14, min: 1, max: MAX_SIZE })
  // A rest that fills no patch is left out, as the convolution over patches does.
  const imageSize = fields.integer('image_size', { default: 224, min: patchSize, max: MAX_SIZE })
  const temporalFrames = readTemporalFrames(fields)
  const config: VisionConfig = {
    hiddenSize,
    layers,
    heads,
    intermediateSize: fields.integer('intermediate_size', { default: 4096, min: 1, max: MAX_SIZE }),
    imageSize,
    patchSize,
    activation: fields.word('hidden_act', ['quick_gelu', 'gelu', 'gelu_pytorch_tanh'], 'quick_gelu'),
    layerNormEpsilon: fields.number('layer_norm_eps', { default: 1e-5, min: 0, max: 1 }),
    temporalFrames,
    featureLayer,
    keepClassToken,
  }
  fields.finish(HARMLESS_VISION)
  return config
}

/**
 * Reads a SigLIP vision config; absent fields have the library's defaults (those of SigLIP base, patches of 16).
 *
 * @param featureLayer - Hidden state to take, counted from the end when negative.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readSiglipVisionConfig(fields: Fields, featureLayer: number): VisionConfig {
  fields.word('model_type', ['siglip_vision_model'], 'siglip_vision_model')
  fields.integer('num_channels', { default: 3, min: 3, max: 3 })
  const hiddenSize = fields.integer('hidden_size', { default: 768, min: 1, max: MAX_SIZE })
  const heads = fields.integer('num_attention_heads', { default: 12, min: 1, max: 1024 })
  if (hiddenSize % heads !== 0)
    throw fields.invalid('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`)
  const patchSize = fields.integer('patch_size', { default: 16, min: 1, max: MAX_SIZE })
  const config: VisionConfig = {
    kind: 'siglip',
    hiddenSize,
    layers: fields.integer('num_hidden_layers', { default: 12, min: 1, max: 1024 }),
    heads,
    intermediateSize: fields.integer('intermediate_size', { default: 3072, min: 1, max: MAX_SIZE }),
    // The published towers have pictures of 384 pixels and patches of 14, so that 6 pixels are left out.
    imageSize: fields.integer('image_size', { default: 224, min: patchSize, max: MAX_SIZE }),
    patchSize,
    activation: fields.word('hidden_act', ['gelu_pytorch_tanh', 'gelu', 'quick_gelu'], 'gelu_pytorch_tanh'),
    layerNormEpsilon: fields.number('layer_norm_eps', { default: 1e-6, min: 0, max: 1 }),
    temporalFrames: 0,
    featureLayer,
    keepClassToken: false,
  }
  fields.finish(HARMLESS_SIGLIP)
  return config
}

/** LanguageBind names both fields; `add_time_attn: false`, or neither of them, means that frames stand alone. */
function readTemporalFrames(fields: Fields): number {
  const frames = fields.integer('num_frames', {
    default: fields.has('add_time_attn') ? 8 : 1,
    min: 1,
    max: MAX_CLIP_FRAMES,
  })
  return fields.boolean('add_time_attn', frames > 1) ? frames : 0
}
