import type { VisionConfig } from '@longtake/kernels'
import { Fields } from '../fields.js'
import { HARMLESS_VIDEO_LLAVA } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readPoolingFields } from '../pooling-config.js'
import {
  asOptional,
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

/** Frames that Video-LLaVA was trained on, and so what a checkpoint without its own number does best with. */
const TRAINED_FRAMES = 8

const TOWERS = ['video_tower.vision_model.', 'model.video_tower.vision_model.', 'model.video_tower.'] as const

/**
 * `video_llava` in the layout of the published `-hf` conversion, with or without the temporal attention that the
 * original tower has (`add_time_attn`, `num_frames`) and the conversion lost, and with or without a text guide.
 */
export const videoLlava: Family = {
  name: 'video_llava',
  matches: (config) => config.model_type === 'video_llava',
  read: readVideoLlava,
}

function readVideoLlava(json: CheckpointJson, guided: boolean): FamilyParts {
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['video_llava'], 'video_llava')
  const activation = readProjector(fields)
  const tied = fields.boolean('tie_word_embeddings', false)
  // Absent sub-configs are the library's defaults as a whole.
  const text = readLlamaConfig(
    fields.object('text_config') ?? new Fields({}, 'config.json: text_config'),
    tied,
  )
  const placeholderId = readPlaceholder(fields, ['video_token_id', 'video_token_index'], 32_001, text)
  const vision = readTower(fields)
  const pooling = readPoolingFields(fields)
  fields.finish(HARMLESS_VIDEO_LLAVA)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  const frames = vision.temporalFrames > 1 ? vision.temporalFrames : TRAINED_FRAMES
  return {
    spec: makeSpec({
      ...{ family: 'video_llava', text, vision, facts, pooling, guided, frames },
      tokenBudget: undefined,
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
      vision: findPrefix(source, TOWERS, 'embeddings.class_embedding'),
      projector: findProjectorNames(source),
      decoder: findDecoderNames(source),
    }),
    inventory: (names) => listTensors(names, vision, text),
  }
}

/** For videos the class token stays, whatever `vision_feature_select_strategy` says: that field is for images. */
function readTower(fields: Fields): VisionConfig {
  const featureLayer = readFeatureLayer(fields, -2)
  const config = fields.object('vision_config') ?? new Fields({}, 'config.json: vision_config')
  const vision = readClipVisionConfig(config, featureLayer, true)
  checkFeatureLayer(fields, featureLayer, vision)
  return vision
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
