import { CheckpointError, type ModelSpec } from '@longtake/core'
import {
  type Activation,
  type DecoderNames,
  type ImageProcessing,
  parseImageProcessing,
  processedSize,
  type TensorSource,
  type VisionConfig,
} from '@longtake/kernels'
import { Fields } from '../fields.js'
import type { LongtakeFacts } from '../longtake-json.js'
import { defaultPooling, type PoolingFacts, poolingSpec } from '../pooling-config.js'
import { findPrefix } from '../tensors.js'
import { readTokenIds, type TextFacts } from '../text-config.js'
import type { CheckpointJson } from './family.js'

/** Frames that an automatic plan may go up to where a checkpoint does not say: what the papers go up to. */
const MOST_FRAMES = 64

/** What a spec is made of. */
export interface SpecParts {
  readonly family: string
  readonly text: TextFacts
  readonly vision: VisionConfig
  readonly facts: LongtakeFacts
  readonly pooling: PoolingFacts
  readonly guided: boolean
  /** Frames and tokens that the family does best with, where `longtake.json` does not say. */
  readonly frames: number
  readonly tokenBudget: number | undefined
  /** Tokens of a frame, where they are not the tower's patches; and tokens after the last frame. */
  readonly grid?: readonly [rows: number, columns: number]
  readonly trailingTokens?: number
  /** How still images enter, where not as frames do. */
  readonly stills?: ModelSpec['encoder']['stills']
}

/** @throws {CheckpointError} If pooling is to be guided and there is no guide. */
export function makeSpec(parts: SpecParts): ModelSpec {
  const { text, facts, guided } = parts
  const frames = facts.frames ?? parts.frames
  return {
    family: parts.family,
    encoder: encoderSpec(parts),
    decoder: {
      layers: text.decoder.layers,
      kvHeads: text.decoder.kvHeads,
      headDim: text.decoder.headDim,
      hiddenSize: text.decoder.hiddenSize,
      vocabularySize: text.decoder.vocabularySize,
    },
    rope: { theta: text.theta, scaling: text.scaling },
    context: { trainedLength: facts.trainedLength ?? text.nominalLength, nominalLength: text.nominalLength },
    pooling: poolingSpec(parts.pooling, facts, guided),
    defaults: {
      frames,
      // INTP's own, where training had none: a longer context without any scaling is worse with every checkpoint.
      ropeType: facts.ropeType ?? (text.scaling.type === 'none' ? 'ntk' : text.scaling.type),
      kvCache: facts.kvCache ?? 'fp32',
      pooling: defaultPooling(parts.pooling, facts, guided),
      tokenBudget: facts.tokenBudget ?? parts.tokenBudget,
      mostFrames: Math.max(frames, facts.mostFrames ?? MOST_FRAMES),
    },
  }
}

function encoderSpec({ vision, trailingTokens, stills, ...parts }: SpecParts): ModelSpec['encoder'] {
  const side = Math.floor(vision.imageSize / vision.patchSize)
  const grid = parts.grid ?? [side, side]
  return {
    framesPerClip: Math.max(vision.temporalFrames, 1),
    imageSize: vision.imageSize,
    tokensPerFrame: grid[0] * grid[1] + (vision.keepClassToken ? 1 : 0),
    grid,
    classToken: vision.keepClassToken,
    ...(trailingTokens !== undefined && { trailingTokens }),
    ...(stills && { stills }),
    ...(vision.btAdapter && { mostFramesPerClip: vision.btAdapter.frames }),
  }
}

/** Without a file of its own a checkpoint is preprocessed by the library's defaults. */
export function readImageProcessing(json: CheckpointJson, vision: VisionConfig): ImageProcessing {
  const file =
    json.videoPreprocessor === undefined ? 'preprocessor_config.json' : 'video_preprocessor_config.json'
  const image = parseImageProcessing(json.videoPreprocessor ?? json.preprocessor ?? {})
  const { width, height } = processedSize(image)
  if (width === vision.imageSize && height === vision.imageSize) return image
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `${file} makes pictures of ${width}×${height} pixels; the tower's image_size is ${vision.imageSize}.`,
  )
}

export function readEosTokenIds(json: CheckpointJson, text: TextFacts): readonly number[] {
  if (json.generation === undefined) return text.eosTokenIds
  return readTokenIds(new Fields(json.generation, 'generation_config.json'), 'eos_token_id', text.eosTokenIds)
}

/** The projector's activation; every known projector is two layers with biases. */
export function readProjector(fields: Fields): Activation {
  if (!fields.boolean('multimodal_projector_bias', true)) {
    throw fields.unsupported('multimodal_projector_bias', 'a projector with biases only')
  }
  return fields.word('projector_hidden_act', ['gelu', 'quick_gelu', 'gelu_pytorch_tanh'], 'gelu')
}

/** Prefixes of the tower's tensors, in LLaVA-NeXT's layouts from the oldest names to the newest. */
export const VISION_TOWERS = [
  'vision_tower.vision_model.',
  'model.vision_tower.vision_model.',
  'model.vision_tower.',
] as const

/**
 * The hidden state that the projector is given; newer configs may have a list, whose states would stand side by side.
 *
 * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` for a list of several.
 */
export function readFeatureLayer(fields: Fields, fallback: number): number {
  const name = 'vision_feature_layer'
  const value = fields.raw(name)
  if (!Array.isArray(value)) return fields.integer(name, { default: fallback })
  const [only] = value
  if (value.length === 1 && Number.isSafeInteger(only)) return only
  throw fields.unsupported(name, 'one layer only')
}

/** @throws {CheckpointError} If the tower has no such hidden state. */
export function checkFeatureLayer(
  fields: Fields,
  featureLayer: number,
  { layers }: VisionConfig,
  name = 'vision_feature_layer',
): void {
  if (featureLayer <= layers && featureLayer >= -layers - 1) return
  throw fields.invalid(name, `one of the tower's ${layers + 1} hidden states`)
}

/** @throws {CheckpointError} If the placeholder is beyond the vocabulary. */
export function readPlaceholder(
  fields: Fields,
  names: readonly [id: string, index: string],
  fallback: number,
  { decoder }: TextFacts,
): number {
  const name = fields.has(names[0]) ? names[0] : names[1]
  const id = fields.integer(name, { default: fallback, min: 0 })
  for (const each of names) fields.raw(each)
  if (id < decoder.vocabularySize) return id
  throw fields.invalid(name, `a token id below the vocabulary's size ${decoder.vocabularySize}`)
}

/** Older exports have the decoder's head inside its model, newer ones at the top. */
export function findDecoderNames(source: TensorSource): DecoderNames {
  const decoders = ['language_model.model.', 'model.language_model.', 'model.language_model.model.'] as const
  const heads = ['language_model.', '', 'model.language_model.', 'model.'] as const
  return {
    model: findPrefix(source, decoders, 'embed_tokens.weight'),
    head: `${findPrefix(source, heads, 'lm_head.weight')}lm_head.weight`,
  }
}

export function findProjectorNames(source: TensorSource): readonly [string, string] {
  const projector = findPrefix(source, PROJECTOR_PREFIXES, 'linear_1.weight')
  return [`${projector}linear_1`, `${projector}linear_2`]
}

/** Where a projector is, and the guide inside it. */
export const PROJECTOR_PREFIXES = ['multi_modal_projector.', 'model.multi_modal_projector.'] as const
