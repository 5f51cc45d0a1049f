import { EngineError } from '@longtake/core'
import type { Dialect } from './chat-request.js'
import { fieldOf, textOf } from './json-fields.js'

/** How much of a server's words a message repeats, characters. */
const MAX_WORDS = 300

/** What servers say of a request that does not fit: vLLM, llama.cpp, Ollama, OpenAI, and this API's own. */
const TOO_LONG =
  /context.?(?:length|size|window)|maximum.{0,40}tokens|too (?:long|many (?:tokens|images))|prompt is too|at most \d+ (?:images?|image\(s\))/i

/** What answers are said about. */
export interface Asking {
  readonly host: string
  readonly model: string
  readonly key: string | undefined
}

/**
 * What a server says of a failure, from its JSON or plain text, in one line; empty where it says nothing for people. The
 * key is taken out, which some servers repeat.
 */
export function wordsOf(text: string, key: string | undefined): string {
  const said = saidIn(text)
  const whole = key === undefined ? said : said.replaceAll(key, '(the key)')
  const line = whole.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line
}

/** What a refusal says of the request's fields; the same dialect where it says nothing. */
export function dialectOf(text: string, before: Dialect): Dialect {
  const error = fieldOf(parsed(text), 'error')
  const isUnsupported = /^unsupported_/.test(textOf(fieldOf(error, 'code')))
  const said = textOf(fieldOf(error, 'message'))
  const names = (field: string): boolean => isUnsupported && textOf(fieldOf(error, 'param')) === field
  return {
    namesCompletion: before.namesCompletion || names('max_tokens') || /max_completion_tokens/.test(said),
    fixesTemperature: before.fixesTemperature || names('temperature'),
  }
}

/** An error that came as an answer, or within one. */
export function failureOf(said: unknown, { host, key }: Asking): EngineError {
  const words = wordsOf(typeof said === 'string' ? said : (JSON.stringify({ error: said }) ?? ''), key)
  if (TOO_LONG.test(`${textOf(fieldOf(said, 'code'))} ${words}`)) return tooLong(host, words)
  return new EngineError('ENGINE_FAILED', `${host} could not answer${quoted(words)}`)
}

/**
 * What an answer that is no success means.
 *
 * @param text - The answer's body, or as much as was read of it.
 */
export function refusalOf(status: number, text: string, asking: Asking): EngineError {
  const { host, key } = asking
  const words = wordsOf(text, key)
  const unavailable = (sentence: string): EngineError => new EngineError('ENGINE_UNAVAILABLE', sentence)
  if (status === 401 || status === 403) {
    const how =
      key === undefined
        ? 'set LONGTAKE_REMOTE_KEY, or remote.key'
        : 'check LONGTAKE_REMOTE_KEY or remote.key, and what the key may do'
    return unavailable(`${host} does not let us in (${status}): ${how}${quoted(words)}`)
  }
  if (status === 429 || status === 503)
    return unavailable(`${host} is too busy (${status}), also after waiting: try again later${quoted(words)}`)
  if (status === 413 || (status >= 400 && status < 500 && TOO_LONG.test(text))) return tooLong(host, words)
  return new EngineError('ENGINE_FAILED', `${host} answered ${status}${quoted(words)}`)
}

function tooLong(host: string, words: string): EngineError {
  const advice =
    'Send fewer frames (remote.sendFrames) or smaller ones (remote.pictureSide), or say remote.contextTokens'
  return new EngineError(
    'CONTEXT_TOO_LONG',
    `It is more than the model at ${host} takes. ${advice}${quoted(words)}`,
  )
}

/** The end of a sentence, with what the server said. */
export function quoted(words: string): string {
  return words === '' ? '.' : `. It says: ${words}`
}

function saidIn(text: string): string {
  const json = parsed(text)
  if (json === undefined) return /<[a-z!]/i.test(text) ? '' : text
  const error = fieldOf(json, 'error')
  const candidates = [error, fieldOf(error, 'message'), fieldOf(json, 'message'), fieldOf(json, 'detail')]
  return candidates.map(textOf).find((words) => words !== '') ?? ''
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
