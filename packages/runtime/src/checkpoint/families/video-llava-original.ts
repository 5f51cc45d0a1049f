import { CheckpointError } from '@longtake/core'
import { originalVideoLlavaProcessing, type TensorSource, type VisionConfig } from '@longtake/kernels'
import { Fields, isObject } from '../fields.js'
import { HARMLESS_ORIGINAL } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readPoolingFields } from '../pooling-config.js'
import {
  asOptional,
  decoderTensors,
  joinInventories,
  projectorTensors,
  type TensorInventory,
  visionTensors,
} from '../tensors.js'
import { readLlamaConfig, type TextFacts } from '../text-config.js'
import { deriveTowerConfig } from '../tower-shape.js'
import { readClipVisionConfig } from '../vision-config.js'
import type { CheckpointJson, Family, FamilyParts, TensorNames } from './family.js'
import { checkFeatureLayer, makeSpec, readEosTokenIds, readImageProcessing } from './shared.js'

/** What the original's code puts for `<image>`; no id of the vocabulary. */
const IMAGE_TOKEN_INDEX = -200
const IMAGE_TOKEN = '<image>'

const NAMES: TensorNames = {
  vision: 'model.video_tower.video_tower.',
  projector: ['model.mm_projector.0', 'model.mm_projector.2'],
  decoder: { model: 'model.', head: 'lm_head.weight' },
}
const IMAGE_TOWER = 'model.image_tower.image_tower.'

/** Vicuna v1 with its system sentence. */
const SYSTEM =
  'A chat between a curious user and an artificial intelligence assistant. ' +
  "The assistant gives helpful, detailed, and polite answers to the user's questions."

/** Fields of the top of config.json that are this family's; all others are Llama's. */
const isOwn = (name: string): boolean =>
  name === 'model_type' || name.startsWith('mm_') || HARMLESS_ORIGINAL.has(name)

/**
 * Video-LLaVA as first published: LanguageBind's towers inside, attention over 8 frames included. Llama's fields stand
 * at the top of config.json; the tower's own are in `video_tower/config.json`, or follow from its tensors.
 */
export const videoLlavaOriginal: Family = {
  name: 'LlavaLlamaForCausalLM with mm_video_tower',
  matches: ({ architectures, model_type: type, mm_video_tower: tower }) =>
    typeof tower === 'string' &&
    ((Array.isArray(architectures) && architectures.includes('LlavaLlamaForCausalLM')) ||
      type === 'llava' ||
      type === 'llava_llama'),
  read: readOriginal,
}

function readOriginal(json: CheckpointJson, guided: boolean, source: TensorSource): FamilyParts {
  const entries = Object.entries(json.config)
  const fields = new Fields(Object.fromEntries(entries.filter(([name]) => isOwn(name))), 'config.json')
  fields.word('model_type', ['llava', 'llava_llama'], 'llava')
  fields.word('mm_projector_type', ['mlp2x_gelu'], 'mlp2x_gelu')
  fields.string('mm_video_tower')
  const rest = Object.fromEntries(entries.filter(([name]) => !isOwn(name)))
  const text = readLlamaConfig(new Fields(rest, 'config.json'), false)
  const vision = readTower(fields, json, source)
  const prompt = readPrompt(fields)
  const pooling = readPoolingFields(fields)
  fields.finish(HARMLESS_ORIGINAL)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  return {
    spec: makeSpec({
      ...{ family: 'video_llava', text, vision, facts, pooling, guided },
      frames: Math.max(vision.temporalFrames, 8),
      tokenBudget: undefined,
    }),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: text.decoder.hiddenSize, activation: 'gelu' },
    decoder: text.decoder,
    image:
      json.preprocessor === undefined && json.videoPreprocessor === undefined
        ? originalVideoLlavaProcessing(vision.imageSize)
        : readImageProcessing(json, vision),
    pooling,
    placeholderId: IMAGE_TOKEN_INDEX,
    placeholder: IMAGE_TOKEN,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt,
    names: () => NAMES,
    inventory: (names) => listTensors(names, vision, text),
  }
}

/** A video's frames are as many `<image>` side by side, which is one place for all their tokens. */
function readPrompt(fields: Fields): string {
  const framed = fields.boolean('mm_use_im_start_end', false)
  const video = framed ? '<vid_start>{video}<vid_end>' : '{video}'
  return `${SYSTEM} USER: ${video}\n{question} ASSISTANT:`
}

/** The class token stays for videos; `mm_vision_select_feature` is for images. */
function readTower(fields: Fields, json: CheckpointJson, source: TensorSource): VisionConfig {
  const featureLayer = fields.integer('mm_vision_select_layer', { default: -2 })
  const vision = readClipVisionConfig(towerFields(json, source), featureLayer, true)
  checkFeatureLayer(fields, featureLayer, vision, 'mm_vision_select_layer')
  const width = fields.integer('mm_hidden_size', { default: vision.hiddenSize })
  if (width === vision.hiddenSize) return vision
  throw fields.invalid('mm_hidden_size', `the tower's hidden_size ${vision.hiddenSize}`)
}

function towerFields({ videoTower }: CheckpointJson, source: TensorSource): Fields {
  if (videoTower === undefined)
    return new Fields(deriveTowerConfig(source, NAMES.vision), 'the video tower, from its tensors')
  const inner = videoTower.vision_config
  if (inner === undefined) return new Fields(videoTower, 'video_tower/config.json')
  if (isObject(inner)) return new Fields(inner, 'video_tower/config.json: vision_config')
  throw new CheckpointError('CHECKPOINT_INVALID', 'video_tower/config.json: vision_config must be an object.')
}

function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  return joinInventories(
    visionTensors(vision, names.vision),
    asOptional(visionTensors({ ...vision, temporalFrames: 0 }, IMAGE_TOWER)),
    projectorTensors(names.projector, vision.hiddenSize, text.decoder.hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
  )
}
