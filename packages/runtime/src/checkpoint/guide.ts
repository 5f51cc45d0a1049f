import { CheckpointError } from '@longtake/core'
import { type ClipTextNames, stretchedLength, type TensorSource } from '@longtake/kernels'
import type { CheckpointFiles } from './checkpoint-files.js'
import { type ClipTextFacts, readClipConfig } from './clip-config.js'
import type { FamilyParts, GuideModel } from './families/family.js'
import { PROJECTOR_PREFIXES } from './families/shared.js'
import { MARK } from './guide-mark.js'
import { GuideEncoder, type GuideText } from './guide-text.js'
import { addClipLayer, addNorm, findPrefix, type TensorInventory, type TensorShapes } from './tensors.js'
import { CheckpointTokenizer } from './tokenizer.js'

/** Published CLIP models stop at 100; a scale beyond this would be a mistake, and its softmax one-hot anyway. */
const MAX_LOGIT_SCALE = 10_000

/** A checkpoint's text guide, as its config and the shapes of its tensors say. */
export interface Guide {
  readonly model: GuideModel
  readonly inventory: TensorInventory
  readonly facts: ClipTextFacts
}

/**
 * Reads what the guide of a checkpoint is built of: its tensors lie in the projector, its config in the folder `clip/`.
 *
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` if the folder is missing, or naming the field that is invalid.
 */
export async function readGuide(
  files: Pick<CheckpointFiles, 'path' | 'json'>,
  { spec, vision, pooling }: FamilyParts,
  source: TensorSource,
): Promise<Guide> {
  const config = await files.json('clip/config.json')
  if (config === undefined) throw missingFolder(files.path, pooling.clipWeight)
  const facts = readClipConfig(config)
  const prefix = findPrefix(source, PROJECTOR_PREFIXES, MARK)
  const text = { model: `${prefix}clip_text_model.`, projection: `${prefix}clip_text_projection.weight` }
  const table = readPositions(source, text, pooling.extendClip)
  const model: GuideModel = {
    text: { ...facts.text, positions: table.positions },
    alignment: {
      inputSize: vision.hiddenSize,
      alignmentSize: facts.text.projectionSize,
      layerNormEpsilon: facts.visualEpsilon,
      classToken: vision.keepClassToken,
    },
    names: { text, alignment: { norm: `${prefix}clip_visual_ln`, projection: prefix + MARK } },
    logitScale: `${prefix}logit_scale`,
    temperature: spec.pooling.temperature,
  }
  return { model, facts, inventory: guideTensors(model, table.shapes) }
}

/**
 * Reads the guide's tokenizer in the folder `clip/`.
 *
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` if it is missing, or naming what is wrong with it.
 */
export async function openGuideText(
  files: Pick<CheckpointFiles, 'path' | 'json'>,
  { facts, model }: Guide,
  { pooling }: FamilyParts,
): Promise<(question: string) => GuideText> {
  const tokenizer = await files.json('clip/tokenizer.json')
  if (tokenizer === undefined) throw missingFolder(files.path, pooling.clipWeight)
  const settings = (await files.json('clip/tokenizer_config.json')) ?? {}
  const encoder = new GuideEncoder(await readTokenizer(tokenizer, settings), facts, model.text.positions)
  return (question) => encoder.encode(question)
}

/**
 * The factor that cosines are multiplied by: the exponential of the checkpoint's logit scale.
 *
 * @throws {CheckpointError} `CHECKPOINT_TENSOR` if the tensor is no usable number.
 */
export async function readLogitScale(source: TensorSource, name: string): Promise<number> {
  const [value = Number.NaN] = await source.read(name)
  const scale = Math.exp(value)
  if (scale > 0 && scale <= MAX_LOGIT_SCALE) return scale
  throw new CheckpointError(
    'CHECKPOINT_TENSOR',
    `Tensor ${name} is ${value}; its exponential must be above 0 and at most ${MAX_LOGIT_SCALE}.`,
  )
}

async function readTokenizer(
  json: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
): Promise<CheckpointTokenizer> {
  const { readTokenizerJson } = await import('./tokenizer-json.js')
  try {
    return new CheckpointTokenizer(readTokenizerJson(json, settings))
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    throw new CheckpointError(error.code, `clip/${error.message}`, { cause: error })
  }
}

/** A position table, and the rows that the text tower gets of it. */
interface PositionTable {
  readonly positions: number
  /** Rows of each tensor, by its whole name. */
  readonly shapes: readonly (readonly [name: string, rows: number])[]
}

/** An extended pair of tables is as long as it is; an ordinary table is stretched where the config says so. */
function readPositions(source: TensorSource, { model }: ClipTextNames, extend: boolean): PositionTable {
  const name = `${model}embeddings.position_embedding`
  const rowsOf = (tensor: string): number => (source.has(tensor) ? (source.info(tensor).shape[0] ?? 0) : 0)
  if (source.has(name)) {
    const positions = rowsOf(name)
    return {
      positions,
      shapes: [
        [name, positions],
        [`${name}_res`, positions],
      ],
    }
  }
  const rows = rowsOf(`${name}.weight`)
  if (rows === 0) {
    throw new CheckpointError('CHECKPOINT_TENSOR', `Tensors are missing: ${name}.weight.`)
  }
  return { positions: extend ? stretchedLength(rows) : rows, shapes: [[`${name}.weight`, rows]] }
}

function guideTensors(
  { text, alignment, names, logitScale }: GuideModel,
  table: PositionTable['shapes'],
): TensorInventory {
  const required: TensorShapes = new Map()
  const { model } = names.text
  required.set(`${model}embeddings.token_embedding.weight`, [text.vocabularySize, text.hiddenSize])
  for (const [name, rows] of table) required.set(name, [rows, text.hiddenSize])
  for (let layer = 0; layer < text.layers; layer++)
    addClipLayer(required, `${model}encoder.layers.${layer}.`, text)
  addNorm(required, `${model}final_layer_norm`, text.hiddenSize)
  required.set(names.text.projection, [text.projectionSize, text.hiddenSize])
  addNorm(required, names.alignment.norm, alignment.inputSize)
  required.set(names.alignment.projection, [alignment.alignmentSize, alignment.inputSize])
  required.set(logitScale, [])
  return { required, optional: new Map([[`${model}embeddings.position_ids`, null]]) }
}

function missingFolder(path: string, hubId: string | undefined): CheckpointError {
  const from = hubId === undefined ? 'the CLIP model that the guide was taken from' : hubId
  return new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `${path} has a text guide for pooling, but no folder clip/ with its config.json and tokenizer.json. Put these two files of ${from} (Hugging Face) there.`,
  )
}
