import {
  CLIP_LAYOUTS,
  type ClipLayout,
  InvalidOptionError,
  KV_CACHE_TYPES,
  type KvCacheType,
  MAX_CONTEXT_TOKENS,
  MAX_FRAMES,
  MAX_TEXT_TOKENS,
  type ModelSpec,
  type PlanOptions,
  POOLING_METHODS,
  type PoolingMethod,
  ROPE_TYPES,
  type RopeType,
  type SamplingMode,
  type Triple,
} from '@longtake/core'
import type { AskOptions, SamplingDefaults } from '@longtake/runtime'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { byteCount, clockTime, frameCount, number, repeated, triple, wholeNumber } from './parse.js'

/** Parts of `--method`, by the names of the paper's steps. */
interface Method {
  readonly rearrange?: ClipLayout
  readonly context?: RopeType
  readonly pooling?: PoolingMethod
  readonly kvCache?: KvCacheType | 'auto'
}

/** Flags about what is watched, and how. */
export interface WatchFlags {
  readonly frames?: number | 'auto'
  readonly fps?: number
  readonly maxFrames?: number
  readonly start?: number
  readonly end?: number
  readonly layout?: ClipLayout
  readonly rope?: RopeType
  readonly kv?: KvCacheType | 'auto'
  readonly pooling?: PoolingMethod
  readonly kernel?: Triple
  readonly tokens?: number
  readonly method?: Method
  readonly sampling: SamplingMode | 'auto'
  readonly promptTokens?: number
  readonly memory?: number
  readonly allowPrivate?: boolean
  readonly ytDlp?: boolean
}

/** Flags about the answer. */
export interface AnswerFlags {
  readonly maxTokens?: number
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly repetitionPenalty?: number
  readonly samplingDefaults?: SamplingDefaults
  readonly seed?: number
  readonly stop?: readonly string[]
}

export function addWatchFlags(command: Command): Command {
  return command
    .option('--frames <count>', 'frames to watch, or auto', frameCount(MAX_FRAMES))
    .option(
      '--fps <rate>',
      'frames to watch per second of video, instead of --frames',
      number('a number above 0', (v) => v > 0),
    )
    .option('--max-frames <count>', 'most frames that --fps or auto may take', wholeNumber(1, MAX_FRAMES))
    .option('--start <time>', 'watch from here: seconds or 1:02:03', clockTime)
    .option('--end <time>', 'watch up to here', clockTime)
    .addOption(choice('--layout <name>', 'how frames share clips', CLIP_LAYOUTS))
    .addOption(choice('--rope <type>', 'how the context is extended', ROPE_TYPES))
    .addOption(choice('--kv <type>', 'storage of the KV cache', ['auto', ...KV_CACHE_TYPES]))
    .addOption(choice('--pooling <method>', 'how visual tokens are merged', POOLING_METHODS))
    .option('--kernel <sizes>', 'pooling window: frames, rows and columns, such as 2,3,3', triple(MAX_FRAMES))
    .option('--tokens <count>', 'most visual tokens in the context', wholeNumber(1, MAX_CONTEXT_TOKENS))
    .option(
      '--method <parts>',
      'parts of the above in one: rearrange=…, context=…, pooling=…, kvCache=…',
      parseMethod,
    )
    .addOption(
      choice('--sampling <mode>', 'read keyframes or exact times', ['auto', 'keyframe', 'exact']).default(
        'auto',
      ),
    )
    .option('--prompt-tokens <count>', 'tokens kept free for the question', wholeNumber(0, MAX_TEXT_TOKENS))
    .option('--memory <bytes>', 'most memory for the KV cache, such as 2GiB', byteCount)
    .option('--allow-private', 'let links lead into your own machine and network, on any port')
    .option('--yt-dlp', 'open links to YouTube and sites like it with the yt-dlp program')
}

export function addAnswerFlags(command: Command): Command {
  return command
    .option('--max-tokens <count>', 'most tokens of the answer', wholeNumber(1, MAX_TEXT_TOKENS))
    .option(
      '--temperature <t>',
      '0 takes the most probable word, more is more random',
      number('a number from 0 to 100', (v) => v >= 0 && v <= 100),
    )
    .option(
      '--top-p <p>',
      'share of probability to choose from',
      number('a number above 0, at most 1', (v) => v > 0 && v <= 1),
    )
    .option('--top-k <count>', 'number of words to choose from, 0 for all', wholeNumber(0, 1 << 24))
    .option(
      '--min-p <p>',
      'least probability, as a share of the most probable word',
      number('a number from 0 to 1', (v) => v >= 0 && v <= 1),
    )
    .option(
      '--repetition-penalty <p>',
      'above 1 against repetition, such as 1.1',
      number('a number above 0, at most 100', (v) => v > 0 && v <= 100),
    )
    .addOption(
      choice('--sampling-defaults <whose>', 'what is not said above: greedy, or as the checkpoint has it', [
        'greedy',
        'checkpoint',
      ]),
    )
    .option('--seed <number>', 'makes random choices repeatable', wholeNumber(0, 2 ** 32 - 1))
    .option('--stop <text>', 'ends the answer where this text would come (repeatable)', repeated)
}

/**
 * Options of `planVideo` and `watch`.
 *
 * @param spec - The checkpoint; whether it pools decides what `--kernel` alone means.
 * @throws {InvalidOptionError} If two flags say different things about one matter.
 */
export function planOptions(flags: WatchFlags, spec?: ModelSpec): PlanOptions {
  const { frames, fps, maxFrames, start, end, method = {}, sampling, promptTokens, memory, tokens } = flags
  return {
    frames,
    fps,
    maxFrames,
    startSeconds: start,
    endSeconds: end,
    layout: either('layout', flags.layout, 'rearrange', method.rearrange),
    rope: either('rope', flags.rope, 'context', method.context),
    kvCache: either('kvCache', flags.kv, 'kvCache', method.kvCache),
    pooling: poolingOf(flags, spec),
    tokenBudget: tokens,
    sampling,
    promptTokens,
    memoryBudgetBytes: memory,
  }
}

/** Options of `ask`. */
export function askOptions(flags: AnswerFlags, signal: AbortSignal): AskOptions {
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, samplingDefaults, seed, stop } = flags
  const sampling = { temperature, topK, topP, minP, repetitionPenalty, samplingDefaults, seed }
  return { ...sampling, maxTokens, stop, signal }
}

/** @throws {InvalidOptionError} If a window is given and nothing pools with it, or two flags disagree. */
function poolingOf({ pooling, method = {}, kernel }: WatchFlags, spec?: ModelSpec): PlanOptions['pooling'] {
  const asked = either('pooling', pooling, 'pooling', method.pooling)
  if (kernel === undefined) return asked
  const used = asked ?? spec?.defaults.pooling
  if (used === 'none')
    throw new InvalidOptionError('kernel', '--pooling average, max or guided beside it', kernel.join(','))
  return used && { method: used, kernel }
}

export function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices)
}

function either<T extends string>(
  option: string,
  flag: T | undefined,
  part: string,
  value: T | undefined,
): T | undefined {
  if (flag !== undefined && value !== undefined && flag !== value) {
    throw new InvalidOptionError(
      option,
      `the same as ${part}=${value} in --method, or only one of the two`,
      flag,
    )
  }
  return flag ?? value
}

const METHOD_CHOICES: Readonly<Record<keyof Method, readonly string[]>> = {
  rearrange: CLIP_LAYOUTS,
  context: ROPE_TYPES,
  pooling: POOLING_METHODS,
  kvCache: ['auto', ...KV_CACHE_TYPES],
}

function parseMethod(text: string): Method {
  const method: Record<string, string> = {}
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim())
    const choices = Object.hasOwn(METHOD_CHOICES, name) ? METHOD_CHOICES[name as keyof Method] : undefined
    if (choices === undefined) {
      throw new InvalidArgumentError(
        `Expected parts such as rearrange=interleaved,context=ntk,pooling=guided,kvCache=int8.`,
      )
    }
    if (!choices.includes(value))
      throw new InvalidArgumentError(`${name}: expected one of ${choices.join(', ')}.`)
    method[name] = value
  }
  return method
}
