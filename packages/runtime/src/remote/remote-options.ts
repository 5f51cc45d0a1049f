import { InvalidOptionError, MAX_CONTEXT_TOKENS, MAX_FRAMES } from '@longtake/core'
import { checkInteger, checkNumber } from '../engine/check.js'
import { checkSecret } from '../hub/settings.js'

const DEFAULT_SEND_FRAMES = 32
const DEFAULT_PICTURE_SIDE = 512
/** What a picture of the default side takes of a context, about, in common models. */
const DEFAULT_TOKENS_PER_FRAME = 256
const DEFAULT_TIMEOUT_SECONDS = 600
/** About two weeks, what a timer can wait. */
const MAX_TIMEOUT_SECONDS = 2 ** 31 / 1000 - 1
/** Where more is sent, no endpoint reads it: 4096 is beyond what any model takes. */
const MAX_PICTURE_SIDE = 4096

/** How a model behind an API is asked. */
export interface RemoteOptions {
  /** The API's key; default `LONGTAKE_REMOTE_KEY`, or none. Sent to the API's own origin only. */
  readonly key?: string | undefined
  /**
   * A model of this machine with a text guide, such as `@longtake/tiny`, which says of each question what frames it is
   * about; `false` (default): frames are sent spread evenly.
   */
  readonly guide?: string | false | undefined
  /** Most frames that go with a question, 1 or more; default 32. */
  readonly sendFrames?: number | undefined
  /** Longest side of a picture that is sent, pixels, 16 to 4096; default 512. Smaller ones are not enlarged. */
  readonly pictureSide?: number | undefined
  /** Context of the model, tokens: as many frames are sent as it holds. Default: as many as `sendFrames` says. */
  readonly contextTokens?: number | undefined
  /** What a picture takes of the context; default 256 for pictures of 512 pixels, in proportion to their area. */
  readonly tokensPerFrame?: number | undefined
  /** Seconds without a sign of life after which an answer is given up; default 600. */
  readonly timeoutSeconds?: number | undefined
}

/** Options, checked, with what they are where nothing was said. */
export type CheckedRemote = ReturnType<typeof checkRemote>

/** @throws {InvalidOptionError} If an option is unknown or out of its range. The key is never repeated. */
export function checkRemote(options: RemoteOptions = {}) {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('remote', 'an object', options)
  checkNames(options)
  const { guide = false, pictureSide: side = DEFAULT_PICTURE_SIDE, contextTokens, timeoutSeconds } = options
  if (guide !== false && (typeof guide !== 'string' || guide === ''))
    throw new InvalidOptionError('remote.guide', 'a model of this machine, or false', guide)
  const sendFrames = options.sendFrames ?? DEFAULT_SEND_FRAMES
  const pictureSide = checkInteger('remote.pictureSide', side, 16, MAX_PICTURE_SIDE)
  const usual = Math.max(1, Math.round(DEFAULT_TOKENS_PER_FRAME * (side / DEFAULT_PICTURE_SIDE) ** 2))
  return {
    key: checkSecret('remote.key', options.key ?? process.env.LONGTAKE_REMOTE_KEY),
    guide,
    sendFrames: checkInteger('remote.sendFrames', sendFrames, 1, MAX_FRAMES),
    pictureSide,
    contextTokens:
      contextTokens === undefined
        ? undefined
        : checkInteger('remote.contextTokens', contextTokens, 1, MAX_CONTEXT_TOKENS),
    tokensPerFrame: checkInteger('remote.tokensPerFrame', options.tokensPerFrame ?? usual, 1, 1 << 20),
    timeoutSeconds: checkNumber(
      'remote.timeoutSeconds',
      timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
      0.001,
      MAX_TIMEOUT_SECONDS,
    ),
  }
}

function checkNames(options: RemoteOptions): void {
  const names = [
    'key',
    'guide',
    'sendFrames',
    'pictureSide',
    'contextTokens',
    'tokensPerFrame',
    'timeoutSeconds',
  ]
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  // A misspelled key is not repeated either.
  if (unknown !== undefined)
    throw new InvalidOptionError(
      `remote.${unknown}`,
      `no option of this name (known: ${names.join(', ')})`,
      {},
    )
}
