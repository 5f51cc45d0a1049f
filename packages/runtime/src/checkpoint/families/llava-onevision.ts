import { CheckpointError } from '@longtake/core'
import type { VisionConfig } from '@longtake/kernels'
import { Fields } from '../fields.js'
import { HARMLESS_ONEVISION } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readPoolingFields } from '../pooling-config.js'
import {
  decoderTensors,
  findPrefix,
  joinInventories,
  projectorTensors,
  siglipTensors,
  type TensorInventory,
} from '../tensors.js'
import { readQwen2Config, type TextFacts } from '../text-config.js'
import { readSiglipVisionConfig } from '../vision-config.js'
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

/** Frames that LLaVA-OneVision was trained on at most. */
const TRAINED_FRAMES = 32

/** Where pooling is asked for and no window is: pairs of frames and of patches, which fill 14 × 14 evenly. */
const WINDOW = { pooling_kernel: [2, 2, 2] }

const OUTER = ['', 'model.'] as const

/**
 * LLaVA-OneVision with a SigLIP tower and Qwen2 (`model_type` `llava_onevision`), watched as it watches videos: frames
 * enter whole, as squares, bilinear to half the rows and columns, and one line break follows the last of them.
 */
export const llavaOnevision: Family = {
  name: 'llava_onevision',
  matches: (config) => config.model_type === 'llava_onevision',
  read: readOnevision,
}

function readOnevision(json: CheckpointJson, guided: boolean): FamilyParts {
  if (guided) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      'A llava_onevision checkpoint with the tensors of a text guide is not supported.',
    )
  }
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['llava_onevision'], 'llava_onevision')
  const activation = readProjector(fields)
  const tied = fields.boolean('tie_word_embeddings', false)
  const text = readQwen2Config(requireObject(fields, 'text_config'), tied)
  const placeholderId = readPlaceholder(fields, ['video_token_id', 'video_token_index'], 151_647, text)
  const vision = readTower(fields)
  fields.finish(HARMLESS_ONEVISION)
  requirePreprocessor(json)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  const pooling = readPoolingFields(new Fields(WINDOW, 'llava_onevision'))
  const side = Math.floor(vision.imageSize / vision.patchSize)
  const half = Math.ceil(side / 2)
  const width = text.decoder.hiddenSize
  return {
    spec: makeSpec({
      ...{ family: 'llava_onevision', text, vision, facts, pooling, guided, frames: TRAINED_FRAMES },
      ...{ tokenBudget: undefined, grid: [half, half], trailingTokens: 1 },
    }),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: width, activation },
    resize: { width, from: [side, side], to: [half, half] },
    decoder: text.decoder,
    image: readImageProcessing(json, vision),
    pooling,
    placeholderId,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt: '<|im_start|>user {video}\n{question}<|im_end|><|im_start|>assistant\n',
    names: (source) => ({
      vision: findPrefix(source, VISION_TOWERS, 'embeddings.patch_embedding.weight'),
      projector: findProjectorNames(source),
      decoder: findDecoderNames(source),
      newline: `${findPrefix(source, OUTER, 'image_newline')}image_newline`,
    }),
    inventory: (names) => listTensors(names, vision, text),
  }
}

/** The library's defaults for a whole absent part are not of the published models, and have changed with its versions. */
function requireObject(fields: Fields, name: string): Fields {
  const object = fields.object(name)
  if (object === undefined) throw fields.invalid(name, 'an object')
  return object
}

function readTower(fields: Fields): VisionConfig {
  const featureLayer = readFeatureLayer(fields, -1)
  // `default` would drop the first token, which here is a patch.
  fields.word('vision_feature_select_strategy', ['full'], 'full')
  const vision = readSiglipVisionConfig(requireObject(fields, 'vision_config'), featureLayer)
  checkFeatureLayer(fields, featureLayer, vision)
  return vision
}

/** The processor's own defaults are not what the published models were trained with. */
function requirePreprocessor({ preprocessor, videoPreprocessor }: CheckpointJson): void {
  if (preprocessor !== undefined || videoPreprocessor !== undefined) return
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    'The folder has neither video_preprocessor_config.json nor preprocessor_config.json, which say how pictures are prepared.',
  )
}

function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  const { hiddenSize } = text.decoder
  const newline = new Map(names.newline === undefined ? [] : [[names.newline, [hiddenSize]] as const])
  return joinInventories(
    siglipTensors(vision, names.vision),
    projectorTensors(names.projector, vision.hiddenSize, hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
    { required: newline, optional: new Map() },
  )
}
