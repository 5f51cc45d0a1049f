/** Shared by every copy of this package, so that checks survive duplicate installs. */
const brand = Symbol.for('longtake.error')

/** Base of everything that Longtake's packages throw. `code` is stable; `message` is for people. */
export abstract class LongtakeError extends Error {
  readonly [brand] = true
  abstract readonly code: string
}

/** An option, argument or fact that cannot be used. */
export class InvalidOptionError extends LongtakeError {
  override readonly name = 'InvalidOptionError'
  readonly code = 'INVALID_OPTION'
  /** Name of the option, such as `frames` or `rope.factor`. */
  readonly option: string

  /**
   * @param option - Name of the option.
   * @param requirement - What it must be, such as `a whole number from 1 to 4096`.
   * @param actual - What was given; shown shortened.
   */
  constructor(option: string, requirement: string, actual: unknown, options?: ErrorOptions) {
    super(`${option}: expected ${requirement}, got ${describeValue(actual)}`, options)
    this.option = option
  }
}

/** Settings of the environment that cannot be used, all of them at once. */
export class SettingsError extends LongtakeError {
  override readonly name = 'SettingsError'
  readonly code = 'INVALID_SETTINGS'
  /** `NAME: what is wrong`, one for each. */
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[], options?: ErrorOptions) {
    const count = mistakes.length === 1 ? 'A setting' : `${mistakes.length} settings`
    super(`${count} of the environment cannot be used:\n  ${mistakes.join('\n  ')}`, options)
    this.mistakes = mistakes
  }
}

/** An array disagrees with its declared shape. */
export class ShapeError extends LongtakeError {
  override readonly name = 'ShapeError'
  readonly code = 'SHAPE'
  readonly argument: string

  constructor(
    argument: string,
    expected: string,
    actual: readonly (number | string)[] | number | string,
    options?: ErrorOptions,
  ) {
    const shown = typeof actual === 'object' ? `[${actual.join(', ')}]` : String(actual)
    super(`${argument}: expected ${expected}, got ${shown}`, options)
    this.argument = argument
  }
}

export type VideoErrorCode =
  | 'VIDEO_NOT_FOUND'
  | 'VIDEO_UNREADABLE'
  | 'VIDEO_NOT_A_VIDEO'
  | 'VIDEO_NO_VIDEO_TRACK'
  | 'VIDEO_UNSUPPORTED_CODEC'
  | 'VIDEO_TRUNCATED'
  | 'VIDEO_EMPTY'
  | 'VIDEO_TOO_LARGE'

/** The video itself cannot be used: missing, damaged, empty, or in a form that is not supported. */
export class VideoError extends LongtakeError {
  override readonly name = 'VideoError'
  readonly code: VideoErrorCode

  constructor(code: VideoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type CheckpointErrorCode =
  | 'CHECKPOINT_NOT_FOUND'
  | 'CHECKPOINT_INVALID'
  | 'CHECKPOINT_UNSUPPORTED'
  | 'CHECKPOINT_TENSOR'
  | 'CHECKPOINT_BUILD'

/** A checkpoint is missing, malformed, of an unknown kind, or lacks a tensor in the shape it declares. */
export class CheckpointError extends LongtakeError {
  override readonly name = 'CheckpointError'
  readonly code: CheckpointErrorCode

  constructor(code: CheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type HubErrorCode =
  | 'HUB_DENIED'
  | 'HUB_NOT_FOUND'
  | 'HUB_UNREACHABLE'
  | 'HUB_OFFLINE'
  | 'HUB_INVALID'
  | 'HUB_MISMATCH'
  | 'HUB_NO_SPACE'
  | 'HUB_STORE'

/** A model cannot be pulled from a hub, or not be kept. */
export class HubError extends LongtakeError {
  override readonly name = 'HubError'
  readonly code: HubErrorCode

  constructor(code: HubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type LinkErrorCode =
  | 'LINK_REFUSED'
  | 'LINK_NOT_FOUND'
  | 'LINK_UNREACHABLE'
  | 'LINK_TOO_LARGE'
  | 'LINK_TOO_SLOW'
  | 'LINK_CHANGED'
  | 'LINK_BROKEN'
  | 'LINK_NOT_MEDIA'

/**
 * A link cannot be opened or read on:
 * `LINK_REFUSED` it leads where links may not lead, or to a host that nobody finds; `LINK_NOT_FOUND` its server has no
 * such file, or not for everybody; `LINK_UNREACHABLE` its server does not answer now; `LINK_TOO_LARGE` and
 * `LINK_TOO_SLOW` beyond a limit; `LINK_CHANGED` the file is another than at the start; `LINK_BROKEN` the server breaks
 * the rules of HTTP; `LINK_NOT_MEDIA` there is no video or picture behind it.
 *
 * Messages may be shown to strangers: no resolved addresses, no contents of answers, of a link at most its host. A `cause`
 * may hold all that, and is for logs.
 */
export class LinkError extends LongtakeError {
  override readonly name = 'LinkError'
  readonly code: LinkErrorCode

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type EngineErrorCode =
  | 'ENGINE_FAILED'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_CLOSED'
  | 'ENGINE_CRASHED'
  | 'ENGINE_TIMEOUT'
  | 'CONTEXT_TOO_LONG'

/**
 * Running the model failed, cannot start here, or was asked for more than was planned. `ENGINE_CRASHED`: the process
 * that ran it ended, and the work may be tried again.
 */
export class EngineError extends LongtakeError {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type JobErrorCode =
  | 'JOBS_FULL'
  | 'JOBS_CLOSED'
  | 'JOBS_LOCKED'
  | 'JOBS_STORE'
  | 'JOB_TOO_LARGE'
  | 'JOB_NOT_FOUND'
  | 'JOB_CONFLICT'
  | 'JOB_CANCELLED'
  | 'JOB_EXPIRED'
  | 'JOB_INTERRUPTED'
  | 'JOB_FAILED'

/** Why a job failed, as plain data that can be stored and sent. */
export interface JobReason {
  /** A code of this package, or `UNEXPECTED`. */
  readonly code: string
  readonly message: string
}

/** A queue of jobs cannot take a job, does not have it, or it did not end with a result. */
export class JobError extends LongtakeError {
  override readonly name = 'JobError'
  readonly code: JobErrorCode
  /** Whole seconds after which another try makes sense; with `JOBS_FULL`. */
  readonly retryAfterSeconds: number | undefined
  /** Why the job failed; with `JOB_FAILED`, `JOB_EXPIRED` and `JOB_INTERRUPTED`. */
  readonly reason: JobReason | undefined

  constructor(
    code: JobErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number; readonly reason?: JobReason },
  ) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
    this.reason = options?.reason
  }
}

/** The caller's `AbortSignal` ended the work. */
export class CancelledError extends LongtakeError {
  override readonly name = 'CancelledError'
  readonly code = 'CANCELLED'

  constructor(message = 'Cancelled by the caller.', options?: ErrorOptions) {
    super(message, options)
  }
}

/** Every error class of Longtake: `switch (failure.code)` over it stays exhaustive. */
export type LongtakeFailure =
  | InvalidOptionError
  | SettingsError
  | ShapeError
  | VideoError
  | CheckpointError
  | HubError
  | LinkError
  | EngineError
  | JobError
  | CancelledError

/** Every value that `code` can have. */
export type LongtakeErrorCode = LongtakeFailure['code']

/** Tells Longtake's own errors from all others, also those of a second installed copy. */
export function isLongtakeError(error: unknown): error is LongtakeFailure {
  return typeof error === 'object' && error !== null && brand in error
}

/** Longest piece of a bad value that a message repeats: long enough to recognise, too short to flood a log. */
const MAX_SHOWN_CHARACTERS = 80

function describeValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  if (typeof value === 'function') return 'a function'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text
}
