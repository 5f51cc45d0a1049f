import { inspect } from 'node:util'
import { isLongtakeError, type LongtakeFailure } from '@longtake/core'

/** What the process ends with. */
export const ExitCode = {
  answered: 0,
  /** A failure that Longtake does not know: a bug, or a full disk. */
  unexpected: 1,
  usage: 2,
  /** The video cannot be used. */
  input: 3,
  /** The checkpoint cannot be used, or running it failed. */
  model: 4,
  interrupted: 130,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  return isLongtakeError(error) ? exitCodeOfFailure(error) : ExitCode.unexpected
}

/**
 * What a person is told about a failure: one or two sentences, or everything with `LONGTAKE_DEBUG=1`.
 *
 * @param env - Environment of the process.
 */
export function describeFailure(error: unknown, env: Readonly<Record<string, string | undefined>>): string {
  if (env.LONGTAKE_DEBUG === '1') return inspect(error)
  if (isLongtakeError(error)) return withFlags(error)
  const message = error instanceof Error ? error.message : String(error)
  const [first = ''] = message.split('\n')
  return `Unexpected failure: ${first}. Run it again with LONGTAKE_DEBUG=1 and report what it prints.`
}

function exitCodeOfFailure(error: LongtakeFailure): ExitCode {
  switch (error.code) {
    case 'INVALID_OPTION':
      // Only the input itself is no matter of usage, such as a link.
      return /^video\b/.test(error.option) ? ExitCode.input : ExitCode.usage
    case 'INVALID_SETTINGS':
    case 'CONTEXT_TOO_LONG':
      return ExitCode.usage
    case 'CANCELLED':
    case 'JOB_CANCELLED':
      return ExitCode.interrupted
    case 'SHAPE':
    case 'CHECKPOINT_NOT_FOUND':
    case 'CHECKPOINT_INVALID':
    case 'CHECKPOINT_UNSUPPORTED':
    case 'CHECKPOINT_TENSOR':
    case 'HUB_DENIED':
    case 'HUB_NOT_FOUND':
    case 'HUB_UNREACHABLE':
    case 'HUB_OFFLINE':
    case 'HUB_INVALID':
    case 'HUB_MISMATCH':
    case 'HUB_NO_SPACE':
    case 'HUB_STORE':
    case 'ENGINE_FAILED':
    case 'ENGINE_UNAVAILABLE':
    case 'ENGINE_CLOSED':
    case 'ENGINE_CRASHED':
    case 'ENGINE_TIMEOUT':
    case 'JOBS_FULL':
    case 'JOBS_CLOSED':
    case 'JOBS_LOCKED':
    case 'JOBS_STORE':
    case 'JOB_NOT_FOUND':
    case 'JOB_EXPIRED':
    case 'JOB_INTERRUPTED':
    case 'JOB_FAILED':
      return ExitCode.model
    default:
      return ExitCode.input
  }
}

/** Names of the library's options as the command line spells them. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['frames', '--frames'],
  ['fps', '--fps'],
  ['maxFrames', '--max-frames'],
  ['startSeconds', '--start'],
  ['endSeconds', '--end'],
  ['layout', '--layout'],
  ['rope', '--rope'],
  ['kvCache', '--kv'],
  ['pooling', '--pooling'],
  ['pooling.method', '--pooling'],
  ['pooling.kernel', '--kernel'],
  ['kernel', '--kernel'],
  ['tokenBudget', '--tokens'],
  ['cache.folder', '--cache-dir'],
  ['cache.maxBytes', '--cache-size'],
  ['sampling', '--sampling'],
  ['promptTokens', '--prompt-tokens'],
  ['maxNewTokens', '--max-tokens'],
  ['maxTokens', '--max-tokens'],
  ['memoryBudgetBytes', '--memory'],
  ['temperature', '--temperature'],
  ['topK', '--top-k'],
  ['topP', '--top-p'],
  ['minP', '--min-p'],
  ['repetitionPenalty', '--repetition-penalty'],
  ['samplingDefaults', '--sampling-defaults'],
  ['seed', '--seed'],
  ['stop', '--stop'],
  ['backend', '--backend'],
  ['weights', '--weights'],
  ['threads', '--threads'],
  ['storyboard', '--storyboard'],
  ['out', '--out'],
  ['id', '--model'],
  ['remote.guide', '--guide'],
  ['remote.sendFrames', '--send-frames'],
  ['remote.key', 'LONGTAKE_REMOTE_KEY'],
  ['endpoint', 'HF_ENDPOINT'],
  ['token', 'HF_TOKEN'],
  ['revision', '--revision'],
])

/** A message with the library's names of options replaced by the flags that set them. */
function withFlags(error: LongtakeFailure): string {
  const { code, message } = error
  if (code === 'LINK_REFUSED') return `${message} Links into your own network need --allow-private.`
  if (code !== 'INVALID_OPTION' && code !== 'CONTEXT_TOO_LONG') return message
  // Only names that cannot be ordinary words are replaced in the middle of a sentence.
  const named = message.replace(/\b(?:remote\.)?[a-z]+[A-Z]\w*\b/g, (word) => FLAGS.get(word) ?? word)
  if (code !== 'INVALID_OPTION') return named
  const flag = FLAGS.get(error.option)
  return flag !== undefined && named.startsWith(`${error.option}:`)
    ? flag + named.slice(error.option.length)
    : named
}
