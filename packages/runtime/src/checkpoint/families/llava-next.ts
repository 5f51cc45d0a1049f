import { CheckpointError } from '@longtake/core'
import type { ImageProcessing, TensorSource, VisionConfig } from '@longtake/kernels'
import { Fields } from '../fields.js'
import { type Resolution, readPinpoints } from '../grid-pinpoints.js'
import { HARMLESS_PPLLAVA } from '../harmless.js'
import { readLongtakeJson } from '../longtake-json.js'
import { readMistralConfig } from '../mistral-config.js'
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
import { checkFrameShape, PPLLAVA_DEFAULTS, readBranch } from './ppllava.js'
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

/** LLaVA-NeXT was trained on images: as few frames as Video-LLaVA takes. */
const PLAIN = { frames: 8, tokenBudget: undefined }

const OUTER = ['', 'model.'] as const

const VICUNA_PROMPT = 'USER: {video}\n{question} ASSISTANT:'
const MISTRAL_PROMPT = '[INST] {video}\n{question} [/INST]'

/**
 * LLaVA-NeXT's layout (`model_type` `llava_next`) over Llama or Mistral. Frames of a video enter whole, as squares; a
 * still image enters whole and in tiles. With PPLLaVA's text guide in the projector, or its temporal branch beside the
 * tower, it is PPLLaVA, whose images enter whole.
 */
export const llavaNext: Family = {
  name: 'llava_next (also ppllava)',
  matches: (config) => config.model_type === 'llava_next',
  read: readLlavaNext,
}

function readLlavaNext(json: CheckpointJson, guided: boolean, source: TensorSource): FamilyParts {
  const fields = new Fields(json.config, 'config.json')
  fields.word('model_type', ['llava_next'], 'llava_next')
  const activation = readProjector(fields)
  const { text, prompt } = readText(fields, json)
  const placeholderId = readPlaceholder(fields, ['image_token_id', 'image_token_index'], 32_000, text)
  const vision = readTower(fields)
  const pooling = readPoolingFields(fields)
  checkFrameShape(fields, vision)
  fields.finish(HARMLESS_PPLLAVA)
  const facts = readLongtakeJson(json.longtake, text.decoder.layers)
  const isPpllava = guided || vision.btAdapter !== undefined
  const resolutions = isPpllava ? [] : readPinpoints(json, vision)
  const newline = `${findPrefix(source, OUTER, 'image_newline')}image_newline`
  return {
    spec: makeSpec({
      ...{ family: isPpllava ? 'ppllava' : 'llava_next', text, vision, pooling, guided },
      facts,
      ...(guided ? PPLLAVA_DEFAULTS : PLAIN),
      ...((!isPpllava || source.has(newline)) && { stills: { resolutions } }),
    }),
    vision,
    projector: { inputSize: vision.hiddenSize, outputSize: text.decoder.hiddenSize, activation },
    decoder: text.decoder,
    image: readImage(json, vision, resolutions),
    pooling,
    placeholderId,
    eosTokenIds: readEosTokenIds(json, text),
    evidenceLayer: facts.evidenceLayer,
    prompt,
    names: () => ({
      vision: findPrefix(source, VISION_TOWERS, 'embeddings.class_embedding'),
      projector: findProjectorNames(source),
      decoder: findDecoderNames(source),
      ...((!isPpllava || source.has(newline)) && { newline }),
    }),
    inventory: (names) => listTensors(names, vision, text),
  }
}

function readText(fields: Fields, { config }: CheckpointJson): { text: TextFacts; prompt: string } {
  const tied = fields.boolean('tie_word_embeddings', false)
  const inner = fields.object('text_config') ?? new Fields({}, 'config.json: text_config')
  return inner.raw('model_type') === 'mistral'
    ? { text: readMistralConfig(config.text_config, tied), prompt: MISTRAL_PROMPT }
    : { text: readLlamaConfig(inner, tied), prompt: VICUNA_PROMPT }
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

/** The whole picture is made a square, as the library does for the picture that its tiles go beside. */
function readImage(
  json: CheckpointJson,
  vision: VisionConfig,
  resolutions: readonly Resolution[],
): ImageProcessing {
  const image = readImageProcessing(json, vision)
  const side = vision.imageSize
  if (resolutions.length > 0) requireTileSize(image, side)
  return image.resize === null ? image : { ...image, resize: { width: side, height: side } }
}

/** Tiles are resized once more to the processor's size, which changes nothing where it is theirs. */
function requireTileSize({ resize }: ImageProcessing, side: number): void {
  const edges =
    resize === null ? [] : 'width' in resize ? [resize.width, resize.height] : [resize.shortestEdge]
  if (edges.length > 0 && edges.every((edge) => edge === side)) return
  const found = edges.length === 0 ? 'do_resize false' : `size ${edges.join('×')}`
  throw new CheckpointError(
    'CHECKPOINT_UNSUPPORTED',
    `preprocessor_config.json: ${found} is not supported (images are cut into tiles of the tower's ${side} pixels, and size has to be that).`,
  )
}

function listTensors(names: TensorNames, vision: VisionConfig, text: TextFacts): TensorInventory {
  const { hiddenSize } = text.decoder
  const newline = new Map(names.newline === undefined ? [] : [[names.newline, [hiddenSize]] as const])
  return joinInventories(
    visionTensors(vision, names.vision),
    btAdapterTensors(vision, names.vision),
    projectorTensors(names.projector, vision.hiddenSize, hiddenSize),
    decoderTensors(text.decoder, names.decoder.model, names.decoder.head),
    { required: newline, optional: new Map() },
  )
}
