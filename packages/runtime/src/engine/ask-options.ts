import { EngineError, InvalidOptionError } from '@longtake/core'
import { checkChoice, checkFields, checkInteger, checkNumber, checkSignal } from './check.js'

/** Longest text that is tokenised, characters: beyond every context, and it bounds the tokeniser's work. */
const MAX_TEXT_CHARACTERS = 1_000_000
/** Most stop strings, and the longest: each is searched in every piece of text. */
const MAX_STOPS = 64
const MAX_STOP_CHARACTERS = 1024
const MAX_NEW_TOKENS = 1 << 20
/** Below this the probabilities overflow to the greedy choice anyway. */
const MAX_TEMPERATURE = 100

/** Above this nothing that was said once could be said again. */
const MAX_REPETITION_PENALTY = 100
const MAX_TOP_K = 1 << 24

/** How the next token is chosen. */
export interface SamplingOptions {
  /** 0 (default) takes the most probable token; above 0 the choice is random, the more so the higher; at most 100. */
  readonly temperature?: number | undefined
  /** Number of tokens among which to choose, the most probable ones; 0 (default) for all. Only counts with a temperature. */
  readonly topK?: number | undefined
  /** Share of probability among which to choose, above 0 to 1; default 1. Only counts with a temperature. */
  readonly topP?: number | undefined
  /** Least probability of a token that may be chosen, as a share of the most probable one's, 0 (default) to 1. Only counts with a temperature. */
  readonly minP?: number | undefined
  /**
   * Divides the logit of a token that already stands in the prompt or the answer where it is above 0, and multiplies it
   * where it is below; above 1 against repetition, 1 (default) for none, above 0, at most 100. Counts without a
   * temperature too. Visual tokens have no ids and count for nothing.
   */
  readonly repetitionPenalty?: number | undefined
  /** Whole number from 0 to 2³²−1 that makes random choices repeatable. */
  readonly seed?: number | undefined
}

const SAMPLING = ['temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'seed'] as const

/** Where what is not said of sampling comes from. */
export type SamplingDefaults = 'greedy' | 'checkpoint'

export interface AskOptions extends SamplingOptions {
  /**
   * `greedy` (default): options of sampling that are not given are off. `checkpoint`: they are as the checkpoint's
   * `generation_config.json` says.
   */
  readonly samplingDefaults?: SamplingDefaults | undefined
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
  readonly samplingDefaults: SamplingDefaults
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
  checkFields(options, [...SAMPLING, 'samplingDefaults', 'maxTokens', 'stop', 'trace', 'signal'])
  const { maxTokens, stop, samplingDefaults = 'greedy', trace = false } = options
  if (maxTokens !== undefined) checkInteger('maxTokens', maxTokens, 1, MAX_NEW_TOKENS)
  if (typeof trace !== 'boolean') throw new InvalidOptionError('trace', 'true or false', trace)
  checkSampling(options)
  return {
    question: checkQuestion(question),
    maxTokens,
    stops: checkStops(stop),
    sampling: Object.fromEntries(SAMPLING.map((name) => [name, options[name]])),
    samplingDefaults: checkChoice('samplingDefaults', samplingDefaults, ['greedy', 'checkpoint']),
    trace,
    signal: checkSignal(options.signal),
  }
}

/** What is chosen by, nothing left open but the seed. */
export type CheckedSampling = Required<{ [K in keyof Omit<SamplingOptions, 'seed'>]: number }> & {
  readonly seed: number | undefined
}

/** @throws {InvalidOptionError} If an option is out of its range. */
export function checkSampling(options: SamplingOptions): CheckedSampling {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed } = options
  checkNumber('temperature', temperature, 0, MAX_TEMPERATURE)
  checkInteger('topK', topK, 0, MAX_TOP_K)
  checkNumber('topP', topP, Number.MIN_VALUE, 1)
  checkNumber('minP', minP, 0, 1)
  checkNumber('repetitionPenalty', repetitionPenalty, Number.MIN_VALUE, MAX_REPETITION_PENALTY)
  if (seed !== undefined) checkInteger('seed', seed, 0, 2 ** 32 - 1)
  return { temperature, topK, topP, minP, repetitionPenalty, seed }
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
