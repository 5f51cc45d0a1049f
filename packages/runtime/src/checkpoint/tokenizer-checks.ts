import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'
import type { Json } from './tokenizer-parts.js'

/** Most steps of one kind; published tokenizers have up to 5. */
export const MAX_STEPS = 32
/** Longest added token: each is looked for at every place of a text. */
export const MAX_TOKEN_CHARACTERS = 512
/** Most added tokens: published tokenizers have some thousands at most. */
const MAX_ADDED_TOKENS = 1 << 16
/** Most tokens around a text. */
const MAX_FRAME = 64
const MAX_ID = 1 << 24

/**
 * Checks model, added tokens and what stands around texts.
 *
 * @throws {CheckpointError} Naming what is not read, or no tokenizer.
 */
export function checkTokenizer(tokenizer: Json): void {
  checkModel(tokenizer)
  checkAddedTokens(tokenizer)
  checkFrame(tokenizer.post_processor)
}

/** @throws {CheckpointError} Unless it is a vocabulary of words, or of byte pairs, as published families have them. */
function checkModel({ model }: Json): void {
  if (!isObject(model)) throw invalid('model must be an object')
  const { type = 'BPE', vocab, merges } = model
  if (type !== 'BPE' && type !== 'WordLevel')
    throw unsupported(`model ${JSON.stringify(type)} is not supported; known: BPE, WordLevel`)
  if (!isObject(vocab)) throw invalid('model: vocab must be an object of ids')
  for (const [token, id] of Object.entries(vocab)) checkId(token, id)
  if (type === 'BPE') {
    if (!Array.isArray(merges)) throw invalid('model: merges must be a list')
    if (model.continuing_subword_prefix)
      throw unsupported('model: continuing_subword_prefix is not supported')
    if (model.dropout) throw unsupported('model: dropout is not supported')
  }
}

function checkAddedTokens({ added_tokens: added }: Json): void {
  if (!Array.isArray(added)) throw invalid('added_tokens must be a list')
  if (added.length > MAX_ADDED_TOKENS)
    throw unsupported(`added_tokens has more than ${MAX_ADDED_TOKENS} entries`)
  for (const token of added) {
    if (!isObject(token) || typeof token.content !== 'string' || token.content === '')
      throw invalid('every entry of added_tokens must have a content and an id')
    const content = shorten(JSON.stringify(token.content))
    if (token.content.length > MAX_TOKEN_CHARACTERS)
      throw unsupported(`added_tokens: ${content} has more than ${MAX_TOKEN_CHARACTERS} characters`)
    if (token.single_word === true)
      throw unsupported(`added_tokens: single_word of ${content} is not supported`)
    checkId(token.content, token.id, 'added_tokens: ')
  }
}

/** @throws {CheckpointError} Unless tokens are put around a text, once. */
function checkFrame(processor: unknown, depth = 0): void {
  if (processor === null || processor === undefined) return
  if (!isObject(processor)) throw invalid('post_processor must be a step with a type')
  const { type, processors, single } = processor
  if (type === 'Sequence') {
    if (depth > 0 || !Array.isArray(processors) || processors.length > MAX_STEPS)
      throw unsupported(`post_processor Sequence must be one list of at most ${MAX_STEPS}`)
    for (const inner of processors) checkFrame(inner, depth + 1)
  } else if (type === 'TemplateProcessing') {
    const parts: readonly unknown[] = Array.isArray(single) ? single : []
    const texts = parts.filter((part) => isObject(part) && 'Sequence' in part)
    if (parts.length > MAX_FRAME || texts.length !== 1)
      throw unsupported(`post_processor: single must have the text once, and at most ${MAX_FRAME} parts`)
  } else if (type !== 'ByteLevel' && type !== 'RobertaProcessing' && type !== 'BertProcessing') {
    throw unsupported(`post_processor ${JSON.stringify(type)} is not supported`)
  }
}

function checkId(token: string, id: unknown, where = ''): void {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_ID) return
  throw invalid(
    `${where}the id of ${shorten(JSON.stringify(token))} must be a whole number from 0 to ${MAX_ID}`,
  )
}

export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

export function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `tokenizer.json: ${reason}.`)
}

export function unsupported(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_UNSUPPORTED', `tokenizer.json: ${reason}.`)
}
