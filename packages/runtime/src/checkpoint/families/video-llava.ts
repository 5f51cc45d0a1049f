import { CheckpointError, type ModelSpec } from '@longtake/core'
import {
  type ImageProcessing,
  parseImageProcessing,
  processedSize,
  type TensorSource,
  type VisionConfig,
} from '@longtake/kernels'
import { Fields } from '../fields.js'
import { HARMLESS_VIDEO_LLAVA } from '../harmless.js'
import { type LongtakeFacts, readLongtakeJson } from '../longtake-json.js'
import {
  asOptional,
  decoderTensors,
  findPrefix,
  joinInventories,
  projectorTensors,
  type TensorInventory,
  visionTensors,
} from '../tensors.js'
import { readLlamaConfig, readTokenIds, type TextFacts } from '../text-config.js'
import { readClipVisionConfig } from '../vision-config.js'
import type { CheckpointJson, Family, FamilyModel, TensorNames } from './family.js'

/** Frames that Video-LLaVA was trained on, and so what a checkpoint without its own number does best with. */
const TRAINED_FRAMES = 8

/** Frames that an automatic plan may go up to where a checkpoint does not say: what the INTP paper goes up to. */
const MOST_FRAMES = 64

/**
 * `video_llava` in the layout of the published `-hf` conversion, with or without the temporal attention that the
 * original tower has (`add_time_attn`, `num_frames`) and the conversion lost.
 */
export const videoLlava: Family = {
  name: 'video_llava',
  matches: (config) => config.model_type === 'video_llava',
  read: readVideoLlava,
}

function readVideoLlava(json: CheckpointJson): FamilyModel {
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['video_llava'], 'video_llava')
  const featureLayer = fields.integer('vision_feature_layer', { default: -2 })
  const activation = fields.word('projector_hidden_act', ['gelu', 'quick_gelu', 'gelu_pytorch_tanh'], 'gelu')
  if (!fields.boolean('multimodal_projector_bias', true)) {
    throw fields.unsupported('multimodal_projector_bias', 'a projector with biases only')
  }
  const placeholder = fields.has('video_token_id') ? 'video_token_id' : 'video_token_index'
  const placeholderId = fields.integer(placeholder, { default: 32_001, min: 0 })
  for (const name of ['video_token_id', 'video_token_index']) fields.raw(name)
  const tied = fields.boolean('tie_word_embeddings', false)
  // Absent sub-configs are the library's defaults as a whole.
  const text = readLlamaConfig(
    fields.object('text_config') ?? new Fields({}, 'config.json: text_config'),
    tied,
  )
  const vision = readTower(fields, featureLayer)
  fields.finish(HARMLESS_VIDEO_LLAVA)
  if (placeholderId >= text.decoder.vocabularySize) {
    throw fields.invalid(placeholder, `a token id below the vocabulary's size ${text.decoder.vocabularySize}`)
  }
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  return {
    spec: makeSpec(text, vision, facts),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: text.decoder.hiddenSize, activation },
    decoder: text.decoder,
    image: readImageProcessing(json, vision),
    placeholderId,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt: 'USER: {video}\n{question} ASSISTANT:',
    names: findNames,
    inventory: (names) => listTensors(names, vision, text),
  }
}

/** For videos the class token stays, whatever `vision_feature_select_strategy` says: that field is for images. */
function readTower(fields: Fields, featureLayer: number): VisionConfig {
  const config = fields.object('vision_config') ?? new Fields({}, 'config.json: vision_config')
  const vision = readClipVisionConfig(config, featureLayer, true)
  if (featureLayer > vision.layers || featureLayer < -vision.layers - 1) {
    throw fields.invalid('vision_feature_layer', `one of the tower's ${vision.layers + 1} hidden states`)
  }
  return vision
}

function makeSpec(text: TextFacts, vision: VisionConfig, facts: LongtakeFacts): ModelSpec {
  const framesPerClip = Math.max(vision.temporalFrames, 1)
  const side = vision.imageSize / vision.patchSize
  const frames = facts.frames ?? (framesPerClip > 1 ? framesPerClip : TRAINED_FRAMES)
  return {
    family: 'video_llava',
    encoder: {
      framesPerClip,
      imageSize: vision.imageSize,
      tokensPerFrame: side ** 2 + 1,
      grid: [side, side],
      classToken: true,
    },
    decoder: {
      layers: text.decoder.layers,
      kvHeads: text.decoder.kvHeads,
      headDim: text.decoder.headDim,
      hiddenSize: text.decoder.hiddenSize,
      vocabularySize: text.decoder.vocabularySize,
    },
    rope: { theta: text.theta, scaling: text.scaling },
    context: { trainedLength: facts.trainedLength ?? text.nominalLength, nominalLength: text.nominalLength },
    pooling: {
      guided: false,
      temperature: 0.01,
      kernel: [2, 3, 3],
      stride: [2, 3, 3],
      imageKernel: [1, 3, 3],
      imageStride: [1, 3, 3],
    },
    defaults: {
      frames,
      ropeType: facts.ropeType ?? text.scaling.type,
      kvCache: facts.kvCache ?? 'fp32',
      pooling: 'none',
      tokenBudget: undefined,
      mostFrames: Math.max(frames, MOST_FRAMES),
    },
  }
}

/** Without a file of its own a checkpoint is preprocessed by the library's defaults. */
function readImageProcessing(json: CheckpointJson, vision: VisionConfig): ImageProcessing {
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

function readEosTokenIds(json: CheckpointJson, text: TextFacts): readonly number[] {
  if (json.generation === undefined) return text.eosTokenIds
  return readTokenIds(new Fields(json.generation, 'generation_config.json'), 'eos_token_id', text.eosTokenIds)
}

/** Older exports have the towers at the top, newer ones under `model.`; the head moves the other way. */
function findNames(source: TensorSource): TensorNames {
  const towers = [
    'video_tower.vision_model.',
    'model.video_tower.vision_model.',
    'model.video_tower.',
  ] as const
  const projectors = ['multi_modal_projector.', 'model.multi_modal_projector.'] as const
  const decoders = ['language_model.model.', 'model.language_model.', 'model.language_model.model.'] as const
  const heads = ['language_model.', '', 'model.language_model.', 'model.'] as const
  const projector = findPrefix(source, projectors, 'linear_1.weight')
  return {
    vision: findPrefix(source, towers, 'embeddings.class_embedding'),
    projector: [`${projector}linear_1`, `${projector}linear_2`],
    decoder: {
      model: findPrefix(source, decoders, 'embed_tokens.weight'),
      head: `${findPrefix(source, heads, 'lm_head.weight')}lm_head.weight`,
    },
  }
}

/** The image tower has the video tower's architecture without time; videos do not need it. */
function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  const imageTower = names.vision.replace('video_tower', 'image_tower')
  return joinInventories(
    visionTensors(vision, names.vision),
    asOptional(visionTensors({ ...vision, temporalFrames: 0 }, imageTower)),
    projectorTensors(names.projector, vision.hiddenSize, text.decoder.hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
  )
}
