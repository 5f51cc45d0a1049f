import { CheckpointError } from '@longtake/core'
import { openSafetensors, type TensorSource } from '@longtake/kernels'
import type { Family, FamilyModel, TensorNames } from './families/family.js'
import { videoLlava } from './families/video-llava.js'
import { CheckpointFolder } from './folder.js'
import { cutAtPlaceholder, encodePrompt, makePrompt, type PromptIds } from './prompt.js'
import { resolveCheckpoint } from './resolve.js'
import { checkTensors } from './tensors.js'
import { CheckpointTokenizer } from './tokenizer.js'

/** Every family that can be loaded. */
const FAMILIES: readonly Family[] = [videoLlava]

/** A checkpoint that has been read and checked; its tensors are read while graphs are built. */
export interface Checkpoint {
  /** The id it was asked for by. */
  readonly id: string
  readonly model: FamilyModel
  readonly names: TensorNames
  readonly source: TensorSource
  /** Encodes the checkpoint's prompt around a question, which cannot become special tokens. */
  encodeQuestion(question: string): PromptIds
  /** Encodes a whole prompt of the caller's own, in which special tokens count. */
  encodePrompt(prompt: string): PromptIds
  decode(ids: readonly number[]): string
  /** Closes the checkpoint's files. */
  close(): Promise<void>
}

/**
 * Opens a checkpoint in the published Hugging Face layout and checks it whole, except for the tensors' values.
 *
 * @param id - A folder, or an installed package that carries one; see `resolveCheckpoint`.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 */
export async function openCheckpoint(id: string | URL): Promise<Checkpoint> {
  const folder = new CheckpointFolder(await resolveCheckpoint(id))
  try {
    const model = await readModel(folder)
    const { tokenizer, prompt } = await readText(folder, model)
    const source = await openSafetensors(await folder.weights())
    const names = model.names(source)
    checkTensors(source, model.inventory(names))
    return {
      id: String(id),
      model,
      names,
      source,
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
    `tokenizer.json turns the prompt into token ${strange}; config.json has a vocabulary of ${vocabularySize}.`,
  )
}

async function readModel(folder: CheckpointFolder): Promise<FamilyModel> {
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
  const [preprocessor, videoPreprocessor, generation, longtake] = await Promise.all([
    folder.json('preprocessor_config.json'),
    folder.json('video_preprocessor_config.json'),
    folder.json('generation_config.json'),
    folder.json('longtake.json'),
  ])
  return family.read({ config, preprocessor, videoPreprocessor, generation, longtake })
}

async function readText(folder: CheckpointFolder, model: FamilyModel) {
  const json = await folder.json('tokenizer.json')
  if (json === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${folder.path} has no tokenizer.json; other tokenizer files are not read.`,
    )
  }
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {}
  const tokenizer = new CheckpointTokenizer(json, tokenizerConfig, model.placeholderId)
  const placeholder = tokenizer.tokenOf(model.placeholderId)
  if (placeholder === undefined) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `tokenizer.json has no token ${model.placeholderId}, the video's place in the prompt.`,
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
