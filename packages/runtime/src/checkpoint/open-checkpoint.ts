import { resolve } from 'node:path'
import { CheckpointError } from '@longtake/core'
import { openSafetensors, openTorch, type TensorSource } from '@longtake/kernels'
import type { HubLookup } from '../hub/index.js'
import type { CheckpointJson, Family, FamilyModel, FamilyParts, TensorNames } from './families/family.js'
import { llavaOnevision } from './families/llava-onevision.js'
import { ppllava } from './families/ppllava.js'
import { videoLlava } from './families/video-llava.js'
import { videoLlavaOriginal } from './families/video-llava-original.js'
import { CheckpointFolder, type FileRange } from './folder.js'
import { hasGuide, openGuide, readLogitScale } from './guide.js'
import type { GuideText } from './guide-text.js'
import { cutAtPlaceholder, encodePrompt, makePrompt, type PromptIds } from './prompt.js'
import { resolveCheckpoint } from './resolve.js'
import { readSentencePiece } from './sentence-piece-tokenizer.js'
import { checkTensors, joinInventories } from './tensors.js'
import { CheckpointTokenizer } from './tokenizer.js'
import { readTokenizerJson } from './tokenizer-json.js'
import type { SpecialToken, TokenizerParts } from './tokenizer-parts.js'

export type { GuideText } from './guide-text.js'

/** Every family that can be loaded. */
const FAMILIES: readonly Family[] = [videoLlava, videoLlavaOriginal, ppllava, llavaOnevision]

/** A checkpoint that has been read and checked; its tensors are read while graphs are built. */
export interface Checkpoint {
  /** The id it was asked for by. */
  readonly id: string
  /** Where its files are, absolute. */
  readonly folder: string
  /** Its weights. */
  readonly files: readonly FileRange[]
  readonly model: FamilyModel
  readonly names: TensorNames
  readonly source: TensorSource
  /** The text guide of prompt-guided pooling; absent where the checkpoint has none. */
  readonly guide?: CheckpointGuide
  /** Encodes the checkpoint's prompt around a question, which cannot become special tokens. */
  encodeQuestion(question: string): PromptIds
  /** Encodes a whole prompt of the caller's own, in which special tokens count. */
  encodePrompt(prompt: string): PromptIds
  decode(ids: readonly number[]): string
  /** Closes the checkpoint's files. */
  close(): Promise<void>
}

/** A checkpoint's text guide, ready for questions. */
export interface CheckpointGuide {
  /** A question of any length, script or emptiness; nothing of it is cut. */
  encodeText(question: string): GuideText
  /** Factor of the cosines, above 0. */
  readonly logitScale: number
}

/**
 * Opens a checkpoint in the published Hugging Face layout and checks it whole, except for the tensors' values.
 *
 * @param id - A folder, an installed package that carries one, or a pulled model; see `resolveCheckpoint`.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 */
export async function openCheckpoint(id: string | URL, hub?: HubLookup): Promise<Checkpoint> {
  const folder = new CheckpointFolder(await resolveCheckpoint(id, hub))
  try {
    const { family, json } = await readConfig(folder)
    const { format, files } = await folder.weights()
    const source = await (format === 'torch' ? openTorch(files) : openSafetensors(files))
    const parts = family.read(json, hasGuide(source), source)
    const { tokenizer, prompt } = await readText(folder, parts)
    const names = parts.names(source)
    const guide = hasGuide(source) ? await openGuide(folder, parts, source) : undefined
    const inventory = parts.inventory(names)
    checkTensors(source, guide === undefined ? inventory : joinInventories(inventory, guide.inventory))
    const model: FamilyModel = { ...parts, guide: guide?.model }
    return {
      id: String(id),
      folder: resolve(folder.path),
      files,
      model,
      names,
      source,
      ...(guide && {
        guide: {
          encodeText: guide.encodeText,
          logitScale: await readLogitScale(source, guide.model.logitScale),
        },
      }),
      encodeQuestion: (question) =>
        requireRows(model, encodePrompt(prompt, question, model.placeholderId, tokenizer)),
      encodePrompt: (text) =>
        requireRows(
          model,
          cutAtPlaceholder(tokenizer.encode([{ text, trusted: true }]), model.placeholderId),
        ),
      decode: (ids) => tokenizer.decode(ids),
      close: () => folder.close(),
    }
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** A tokenizer may know more words than the model has rows for; only a prompt that uses one is refused. */
function requireRows({ spec }: FamilyModel, ids: PromptIds): PromptIds {
  const { vocabularySize } = spec.decoder
  const strange = [...ids.before, ...ids.after].find(
    (id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize,
  )
  if (strange === undefined) return ids
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `The tokenizer turns the prompt into token ${strange}; config.json has a vocabulary of ${vocabularySize}.`,
  )
}

/** The checkpoint's JSON files, and the family that its config belongs to. */
async function readConfig(folder: CheckpointFolder): Promise<{ family: Family; json: CheckpointJson }> {
  const config = await folder.json('config.json')
  if (config === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_NOT_FOUND',
      `${folder.path} has no config.json, so it is no checkpoint.`,
    )
  }
  const family = FAMILIES.find(({ matches }) => matches(config))
  if (family === undefined) {
    const known = FAMILIES.map(({ name }) => name).join(', ')
    const found = JSON.stringify(config.model_type) ?? 'nothing'
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `config.json: model_type ${found} is not supported; known: ${known}.`,
    )
  }
  const [preprocessor, videoPreprocessor, generation, videoTower, longtake] = await Promise.all([
    folder.json('preprocessor_config.json'),
    folder.json('video_preprocessor_config.json'),
    folder.json('generation_config.json'),
    folder.json('video_tower/config.json'),
    folder.json('longtake.json'),
  ])
  return { family, json: { config, preprocessor, videoPreprocessor, generation, videoTower, longtake } }
}

async function readText(folder: CheckpointFolder, model: FamilyParts) {
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {}
  const tokenizer = new CheckpointTokenizer(
    await readTokenizer(folder, tokenizerConfig, model.placeholderId),
    outsideToken(model),
  )
  const placeholder = model.placeholder ?? tokenizer.tokenOf(model.placeholderId)
  if (placeholder === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `The tokenizer has no token ${model.placeholderId}, the video's place in the prompt.`,
    )
  }
  const sources = {
    jinja: await folder.text('chat_template.jinja'),
    json: await folder.json('chat_template.json'),
    tokenizerConfig,
    fallback: model.prompt,
  }
  return { tokenizer, prompt: makePrompt(sources, placeholder, tokenizer) }
}

function outsideToken({ placeholder, placeholderId: id }: FamilyParts): SpecialToken | undefined {
  if (placeholder === undefined) return undefined
  return { id, content: placeholder, lstrip: false, rstrip: false, restarts: true }
}

async function readTokenizer(
  folder: CheckpointFolder,
  config: Readonly<Record<string, unknown>>,
  placeholderId: number,
): Promise<TokenizerParts> {
  const json = await folder.json('tokenizer.json')
  if (json !== undefined) return readTokenizerJson(json, config, placeholderId)
  const model = await folder.bytes('tokenizer.model')
  if (model === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${folder.path} has neither tokenizer.json nor tokenizer.model; other tokenizer files are not read.`,
    )
  }
  const added = await folder.json('added_tokens.json')
  return readSentencePiece(model, { config, added }, placeholderId)
}
