import { EngineError, InvalidOptionError } from '@longtake/core'
import { checkFields, checkInteger, checkNumber, checkSignal } from './check.js'

/** Longest text that is tokenised, characters: beyond every context, and it bounds the tokeniser's work. */
const MAX_TEXT_CHARACTERS = 1_000_000
/** Most stop strings, and the longest: each is searched in every piece of text. */
const MAX_STOPS = 64
const MAX_STOP_CHARACTERS = 1024
const MAX_NEW_TOKENS = 1 << 20
/** Below this the probabilities overflow to the greedy choice anyway. */
const MAX_TEMPERATURE = 100

/** How the next token is chosen. */
export interface SamplingOptions {
  /** 0 (default) takes the most probable token; above 0 the choice is random, the more so the higher; at most 100. */
  readonly temperature?: number | undefined
  /** Share of probability among which to choose, above 0 to 1; default 1. Only counts with a temperature. */
  readonly topP?: number | undefined
  /** Whole number from 0 to 2³²−1 that makes random choices repeatable. */
  readonly seed?: number | undefined
}

export interface AskOptions extends SamplingOptions {
  /** Most tokens to generate, 1 or more; default what was planned for (`maxNewTokens` of `watch`). */
  readonly maxTokens?: number | undefined
  /** Text that ends the answer and is not part of it: one string or up to 64. */
  readonly stop?: string | readonly string[] | undefined
  /**
   * Whether the result says how the answer came about, patch by patch and window by window; default false. There is
   * a trace only where visual tokens are pooled.
   */
  readonly trace?: boolean | undefined
  /** Ends the answer within one step; it then rejects with `CancelledError`. */
  readonly signal?: AbortSignal | undefined
}

/** Checked options of one question. */
export interface CheckedAsk {
  readonly question: string
  readonly maxTokens: number | undefined
  readonly stops: readonly string[]
  readonly sampling: SamplingOptions
  readonly trace: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Checks a question and its options.
 *
 * @throws {InvalidOptionError} If the question is empty, or an option is unknown or out of its range.
 * @throws {EngineError} `CONTEXT_TOO_LONG` for a question of more than a million characters.
 */
export function checkAsk(question: string, options: AskOptions = {}): CheckedAsk {
  checkFields(options, ['temperature', 'topP', 'seed', 'maxTokens', 'stop', 'trace', 'signal'])
  const { maxTokens, stop, temperature, topP, seed, trace = false } = options
  if (maxTokens !== undefined) checkInteger('maxTokens', maxTokens, 1, MAX_NEW_TOKENS)
  if (typeof trace !== 'boolean') throw new InvalidOptionError('trace', 'true or false', trace)
  checkSampling(options)
  return {
    question: checkQuestion(question),
    maxTokens,
    stops: checkStops(stop),
    sampling: { temperature, topP, seed },
    trace,
    signal: checkSignal(options.signal),
  }
}

/** @throws {InvalidOptionError} If an option is out of its range. */
export function checkSampling(options: SamplingOptions): {
  temperature: number
  topP: number
  seed: number | undefined
} {
  const { temperature = 0, topP = 1, seed } = options
  checkNumber('temperature', temperature, 0, MAX_TEMPERATURE)
  checkNumber('topP', topP, Number.MIN_VALUE, 1)
  if (seed !== undefined) checkInteger('seed', seed, 0, 2 ** 32 - 1)
  return { temperature, topP, seed }
}

/**
 * Checks a question, and drops whitespace around it.
 *
 * @throws {InvalidOptionError} If it is no text, or empty.
 * @throws {EngineError} `CONTEXT_TOO_LONG` beyond a million characters.
 */
export function checkQuestion(question: unknown): string {
  return checkText('question', typeof question === 'string' ? question.trim() : question)
}

/** As `checkQuestion`, for any text; whitespace stays. */
export function checkText(option: string, text: unknown): string {
  if (typeof text !== 'string' || text === '')
    throw new InvalidOptionError(option, 'text that is not empty', text)
  if (text.length > MAX_TEXT_CHARACTERS) {
    throw new EngineError(
      'CONTEXT_TOO_LONG',
      `The ${option} has ${text.length} characters; at most ${MAX_TEXT_CHARACTERS} are read. Shorten it.`,
    )
  }
  return text
}

function checkStops(stop: unknown): readonly string[] {
  if (stop === undefined) return []
  const stops: readonly unknown[] = Array.isArray(stop) ? stop : [stop]
  if (stops.length > MAX_STOPS)
    throw new InvalidOptionError('stop', `at most ${MAX_STOPS} strings`, stops.length)
  return stops.map((text) => {
    if (typeof text === 'string' && text !== '' && text.length <= MAX_STOP_CHARACTERS) return text
    throw new InvalidOptionError('stop', `strings of 1 to ${MAX_STOP_CHARACTERS} characters`, text)
  })
}
