import { CheckpointError } from '@longtake/core'
import type { VisionConfig } from '@longtake/kernels'
import { Fields } from '../fields.js'
import { HARMLESS_NEXT_VIDEO } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readPoolingFields } from '../pooling-config.js'
import {
  decoderTensors,
  findPrefix,
  joinInventories,
  projectorTensors,
  type TensorInventory,
  visionTensors,
} from '../tensors.js'
import { readLlamaConfig, type TextFacts } from '../text-config.js'
import { readClipVisionConfig } from '../vision-config.js'
import type { CheckpointJson, Family, FamilyParts, TensorNames } from './family.js'
import {
  checkFeatureLayer,
  findDecoderNames,
  findProjectorNames,
  makeSpec,
  readEosTokenIds,
  readFeatureLayer,
  readImageProcessing,
  readPlaceholder,
  readProjector,
  VISION_TOWERS,
} from './shared.js'

/** Frames that LLaVA-NeXT-Video was evaluated with. */
const FRAMES = 32

/** Where pooling by windows is asked for and no window is: pairs of frames and of patches. */
const WINDOW = { pooling_kernel: [2, 2, 2] }

/**
 * LLaVA-NeXT-Video (`model_type` `llava_next_video`, or `llava_next` in its first revision): each frame enters whole,
 * and squares of its patches are made one before the projector.
 */
export const llavaNextVideo: Family = {
  name: 'llava_next_video',
  matches: ({ model_type: type, spatial_pool_mode: mode }) =>
    type === 'llava_next_video' || (type === 'llava_next' && typeof mode === 'string'),
  read: readNextVideo,
}

function readNextVideo(json: CheckpointJson, guided: boolean): FamilyParts {
  if (guided) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      'A llava_next_video checkpoint with the tensors of a text guide is not supported.',
    )
  }
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['llava_next_video', 'llava_next'], 'llava_next_video')
  const activation = readProjector(fields)
  const tied = fields.boolean('tie_word_embeddings', false)
  // Absent sub-configs are the library's defaults as a whole.
  const inner = fields.object('text_config') ?? new Fields({}, 'config.json: text_config')
  const text = readLlamaConfig(inner, tied)
  const placeholderId = readPlaceholder(fields, ['video_token_id', 'video_token_index'], 32_000, text)
  const vision = readTower(fields)
  fields.finish(HARMLESS_NEXT_VIDEO)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  const pooling = readPoolingFields(new Fields(WINDOW, 'llava_next_video'))
  const side = Math.floor(Math.floor(vision.imageSize / vision.patchSize) / (vision.pool?.stride ?? 1))
  return {
    spec: makeSpec({
      ...{ family: 'llava_next_video', text, vision, facts, pooling, guided, frames: FRAMES },
      ...{ tokenBudget: undefined, grid: [side, side] },
    }),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: text.decoder.hiddenSize, activation },
    decoder: text.decoder,
    image: readImageProcessing(json, vision),
    pooling,
    placeholderId,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt: 'USER: {video}\n{question} ASSISTANT:',
    names: (source) => ({
      vision: findPrefix(source, VISION_TOWERS, 'embeddings.class_embedding'),
      projector: findProjectorNames(source),
      decoder: findDecoderNames(source),
    }),
    inventory: (names) => listTensors(names, vision, text),
  }
}

function readTower(fields: Fields): VisionConfig {
  const featureLayer = readFeatureLayer(fields, -2)
  // `full` would keep the class token, which is no part of a square.
  fields.word('vision_feature_select_strategy', ['default'], 'default')
  const config =
    fields.object('vision_config') ?? new Fields({ image_size: 336 }, 'config.json: vision_config')
  const vision = readClipVisionConfig(config, featureLayer, false)
  if (vision.temporalFrames > 0) throw config.unsupported('num_frames', 'towers without attention over time')
  checkFeatureLayer(fields, featureLayer, vision)
  const side = Math.floor(vision.imageSize / vision.patchSize)
  // `conv` has weights of its own, which no published checkpoint has.
  const mode = fields.word('spatial_pool_mode', ['average', 'max'], 'average')
  const stride = fields.integer('spatial_pool_stride', { default: 2, min: 1, max: side })
  return { ...vision, pool: { mode, stride } }
}

function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  const outer = names.projector[0].replace(/multi_modal_projector\..*/, '')
  // For images only.
  const newline = new Map([[`${outer}image_newline`, [text.decoder.hiddenSize]]])
  return joinInventories(
    visionTensors(vision, names.vision),
    projectorTensors(names.projector, vision.hiddenSize, text.decoder.hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
    { required: new Map(), optional: newline },
  )
}
