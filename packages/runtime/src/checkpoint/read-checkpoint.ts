import { CheckpointError } from '@longtake/core'
import type { TensorSource, WeightType } from '@longtake/kernels'
import { sizesOf } from '../spec/sizes.js'
import type { CheckpointFiles, FileRange } from './checkpoint-files.js'
import type { FamilyModel, FamilyParts, TensorNames } from './families/family.js'
import { type CheckpointSampling, readSampling } from './generation-config.js'
import type { Guide } from './guide.js'
import type { GuideText } from './guide-text.js'
import { cutAtPlaceholder, encodePrompt, makePrompt, type PromptIds, type RenderTemplate } from './prompt.js'
import { type ReadModel, readModel } from './read-model.js'
import { CheckpointTokenizer } from './tokenizer.js'
import type { SpecialToken, TokenizerParts } from './tokenizer-parts.js'

export type { GuideText } from './guide-text.js'

/** A checkpoint that has been read and checked; its tensors are read while graphs are built. */
export interface Checkpoint {
  /** The id it was asked for by. */
  readonly id: string
  /** Where its files are: an absolute path, or what else names the place. */
  readonly folder: string
  /** Its weights. */
  readonly files: readonly FileRange[]
  /** How its matrices are stored where nothing is said. */
  readonly defaultWeights: WeightType
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
  /**
   * How `generation_config.json` would have tokens chosen.
   *
   * @throws {CheckpointError} `CHECKPOINT_INVALID`, naming the field.
   */
  sampling(): CheckpointSampling
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

/** Files of a checkpoint that are read while it is loaded, and its weights for as long as it is. */
export interface OpenCheckpointFiles extends CheckpointFiles<FileRange> {
  /** The text of a file, or undefined where there is none. */
  text(name: string): Promise<string | undefined>
  /** The bytes of a small file, or undefined where there is none. */
  bytes(name: string): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

/**
 * Reads a checkpoint in the published Hugging Face layout and checks it whole, except for the tensors' values.
 *
 * @param files - The checkpoint then owns and closes them, also if it fails.
 * @param id - What it was asked for by.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 */
export async function readCheckpoint(
  folder: OpenCheckpointFiles,
  id: string,
  render: RenderTemplate,
): Promise<Checkpoint> {
  try {
    const read = await readModel(folder)
    const { source, files, names, guide, json } = read
    const { tokenizer, prompt } = await readText(folder, read.model, render)
    const opened = guide && (await openGuide(folder, guide, read))
    const eosTokenIds = withTokenizersEnd(read.model.eosTokenIds, tokenizer)
    const model: FamilyModel = { ...read.model, eosTokenIds }
    return {
      id,
      folder: folder.path,
      files,
      defaultWeights: sizesOf(read).defaultWeights,
      model,
      names,
      source,
      ...(opened && { guide: opened }),
      encodeQuestion: (question) =>
        requireRows(model, encodePrompt(prompt, question, model.placeholderId, tokenizer)),
      encodePrompt: (text) =>
        requireRows(
          model,
          cutAtPlaceholder(tokenizer.encode([{ text, trusted: true }]), model.placeholderId),
        ),
      decode: (ids) => tokenizer.decode(ids),
      sampling: () => readSampling(json.generation ?? {}),
      close: () => folder.close(),
    }
  } catch (error) {
    await folder.close()
    throw error
  }
}

async function openGuide(
  folder: OpenCheckpointFiles,
  guide: Guide,
  { model, source }: ReadModel,
): Promise<CheckpointGuide> {
  const { openGuideText, readLogitScale } = await import('./guide.js')
  const encodeText = await openGuideText(folder, guide, model)
  return { encodeText, logitScale: await readLogitScale(source, guide.model.logitScale) }
}

/** Published configs of chat models name the end of the text, and only the tokenizer's that of an answer. */
function withTokenizersEnd(ids: readonly number[], tokenizer: CheckpointTokenizer): readonly number[] {
  const end = tokenizer.idOf(tokenizer.eosToken)
  return end === undefined || ids.includes(end) ? ids : [...ids, end]
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

async function readText(folder: OpenCheckpointFiles, model: FamilyParts, render: RenderTemplate) {
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {}
  const tokenizer = new CheckpointTokenizer(
    await readTokenizer(folder, tokenizerConfig, model),
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
  return { tokenizer, prompt: await makePrompt(sources, placeholder, tokenizer, render) }
}

function outsideToken({ placeholder, placeholderId: id }: FamilyParts): SpecialToken | undefined {
  if (placeholder === undefined) return undefined
  return { id, content: placeholder, lstrip: false, rstrip: false, restarts: true }
}

async function readTokenizer(
  folder: OpenCheckpointFiles,
  config: Readonly<Record<string, unknown>>,
  { placeholderId, eosTokenIds }: FamilyParts,
): Promise<TokenizerParts> {
  const json = await folder.json('tokenizer.json')
  // One of the two readers is needed.
  if (json !== undefined) {
    const { readTokenizerJson } = await import('./tokenizer-json.js')
    return readTokenizerJson(json, config, placeholderId, eosTokenIds)
  }
  const model = await folder.bytes('tokenizer.model')
  if (model === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${folder.path} has neither tokenizer.json nor tokenizer.model; other tokenizer files are not read.`,
    )
  }
  const { readSentencePiece } = await import('./sentence-piece-tokenizer.js')
  const added = await folder.json('added_tokens.json')
  return readSentencePiece(model, { config, added }, placeholderId)
}
