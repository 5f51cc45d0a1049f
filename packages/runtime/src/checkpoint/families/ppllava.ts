import type { BtAdapterConfig, ImageProcessing, VisionConfig } from '@longtake/kernels'
import { Fields } from '../fields.js'
import { HARMLESS_PPLLAVA } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readPoolingFields } from '../pooling-config.js'
import {
  btAdapterTensors,
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
} from './shared.js'

/** Frames and tokens that PPLLaVA was published with. */
const GUIDED = { frames: 32, tokenBudget: 1024 }
/** LLaVA-NeXT was trained on images: as few frames as Video-LLaVA takes. */
const PLAIN = { frames: 8, tokenBudget: undefined }

/** Rows of the branch's time table, and layers that it stands beside, in the released configuration. */
const TIME_ROWS = 64
const BRANCH_LAYERS = 4
/** Rows of a time table: above any video that a branch was trained on. */
const MAX_TIME_ROWS = 65_536

const TOWERS = [
  'vision_tower.vision_model.',
  'model.vision_tower.vision_model.',
  'model.vision_tower.',
] as const

/**
 * LLaVA-NeXT's layout (`model_type` `llava_next`), with or without PPLLaVA's text guide in the projector and its
 * temporal branch beside the tower. Pictures enter whole, as squares; they are not cut into crops.
 */
export const ppllava: Family = {
  name: 'ppllava',
  matches: (config) => config.model_type === 'llava_next',
  read: readPpllava,
}

function readPpllava(json: CheckpointJson, guided: boolean): FamilyParts {
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['llava_next'], 'llava_next')
  const activation = readProjector(fields)
  const tied = fields.boolean('tie_word_embeddings', false)
  const text = readLlamaConfig(
    fields.object('text_config') ?? new Fields({}, 'config.json: text_config'),
    tied,
  )
  const placeholderId = readPlaceholder(fields, ['image_token_id', 'image_token_index'], 32_000, text)
  const vision = readTower(fields)
  const pooling = readPoolingFields(fields)
  checkFrameShape(fields, vision)
  fields.finish(HARMLESS_PPLLAVA)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  return {
    spec: makeSpec({
      ...{ family: 'ppllava', text, vision, facts, pooling, guided },
      ...(guided ? GUIDED : PLAIN),
    }),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: text.decoder.hiddenSize, activation },
    decoder: text.decoder,
    image: asSquares(readImageProcessing(json, vision), vision.imageSize),
    pooling,
    placeholderId,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt: 'USER: {video}\n{question} ASSISTANT:',
    names: (source) => ({
      vision: findPrefix(source, TOWERS, 'embeddings.class_embedding'),
      projector: findProjectorNames(source),
      decoder: findDecoderNames(source),
    }),
    inventory: (names) => listTensors(names, vision, text),
  }
}

function readTower(fields: Fields): VisionConfig {
  const featureLayer = readFeatureLayer(fields, -2)
  const strategy = fields.word('vision_feature_select_strategy', ['default', 'full'], 'default')
  // The library's default tower as a whole; a config that is there has CLIP's defaults field by field.
  const config =
    fields.object('vision_config') ?? new Fields({ image_size: 336 }, 'config.json: vision_config')
  const btAdapter = readBranch(fields, config)
  const vision = readClipVisionConfig(config, featureLayer, strategy === 'full')
  if (vision.temporalFrames > 0) throw config.unsupported('num_frames', 'towers without attention over time')
  checkFeatureLayer(fields, featureLayer, vision)
  if (btAdapter === undefined) return vision
  if (btAdapter.depth > vision.layers) {
    throw fields.invalid('btadapter_depth', `at most the tower's ${vision.layers} layers`)
  }
  return { ...vision, btAdapter }
}

/** The original writes the branch's sizes into the tower's config too, as `depth` and `max_T`. */
function readBranch(fields: Fields, tower: Fields): BtAdapterConfig | undefined {
  const rows = { min: 1, max: MAX_TIME_ROWS }
  const innerDepth = tower.integer('depth', { default: BRANCH_LAYERS, min: 1, max: 1024 })
  const innerRows = tower.integer('max_T', { default: TIME_ROWS, ...rows })
  const depth = fields.integer('btadapter_depth', { default: innerDepth, min: 1, max: 1024 })
  const frames = fields.integer('max_T', { default: innerRows, ...rows })
  return fields.boolean('btadapter', false) ? { depth, frames } : undefined
}

/** `frame_shape` repeats the tower's grid; another one would mean another tower. */
function checkFrameShape(fields: Fields, { imageSize, patchSize }: VisionConfig): void {
  const side = Math.floor(imageSize / patchSize)
  const shape = fields.numbers('frame_shape', 2, [side, side])
  if (shape.every((size) => size === side)) return
  throw fields.invalid('frame_shape', `[${side}, ${side}], the tower's patches`)
}

/** The whole picture is made a square, as the library does for the picture that its crops go beside. */
function asSquares(image: ImageProcessing, side: number): ImageProcessing {
  return image.resize === null ? image : { ...image, resize: { width: side, height: side } }
}

function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  const outer = names.projector[0].replace(/multi_modal_projector\..*/, '')
  const newline = new Map([[`${outer}image_newline`, [text.decoder.hiddenSize]]])
  return joinInventories(
    visionTensors(vision, names.vision),
    btAdapterTensors(vision, names.vision),
    projectorTensors(names.projector, vision.hiddenSize, text.decoder.hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
    { required: new Map(), optional: newline },
  )
}
