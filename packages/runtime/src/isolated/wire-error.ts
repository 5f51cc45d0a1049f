import {
  CancelledError,
  CheckpointError,
  type CheckpointErrorCode,
  EngineError,
  type EngineErrorCode,
  HubError,
  type HubErrorCode,
  InvalidOptionError,
  isLongtakeError,
  LinkError,
  type LinkErrorCode,
  ShapeError,
  VideoError,
  type VideoErrorCode,
} from '@longtake/core'

/** Causes of causes that cross with an error. */
const MOST_CAUSES = 3
const MOST_CHARACTERS = 4096

/** An error as it crosses between processes: no stack, which speaks of files. */
export interface WrittenError {
  readonly name: string
  readonly message: string
  /** Of Longtake's own errors. */
  readonly code?: string | undefined
  /** The option or argument that an error is about. */
  readonly about?: string | undefined
  readonly cause?: WrittenError | undefined
}

export function writeError(error: unknown, causes = MOST_CAUSES): WrittenError {
  if (!(error instanceof Error)) return { name: 'Error', message: shorten(String(error)) }
  const cause = error.cause === undefined || causes === 0 ? undefined : writeError(error.cause, causes - 1)
  const written = { name: error.name, message: shorten(error.message), cause }
  if (!isLongtakeError(error)) return written
  const about = 'option' in error ? error.option : 'argument' in error ? error.argument : undefined
  return { ...written, code: error.code, about }
}

/** The error that was written, of the same class, with the same message and code. */
export function readError(written: unknown, causes = MOST_CAUSES): Error {
  const { name, message, code, about, cause } = fieldsOf(written)
  const options = cause === undefined || causes === 0 ? {} : { cause: readError(cause, causes - 1) }
  const error = create(name, code, about, message, options)
  // Some classes make their message from parts, which do not cross.
  error.message = message
  error.stack = `${name}: ${message}`
  return error
}

function create(name: string, code: string | undefined, about: string, text: string, options: ErrorOptions) {
  if (code === undefined) return Object.assign(new Error(text, options), { name })
  switch (name) {
    case 'InvalidOptionError':
      return new InvalidOptionError(about, '', undefined, options)
    case 'ShapeError':
      return new ShapeError(about, '', '', options)
    case 'VideoError':
      return new VideoError(code as VideoErrorCode, text, options)
    case 'CheckpointError':
      return new CheckpointError(code as CheckpointErrorCode, text, options)
    case 'HubError':
      return new HubError(code as HubErrorCode, text, options)
    case 'LinkError':
      return new LinkError(code as LinkErrorCode, text, options)
    case 'EngineError':
      return new EngineError(code as EngineErrorCode, text, options)
    case 'CancelledError':
      return new CancelledError(text, options)
    default: {
      // A class that this process does not know: by brand, name and code it is one of ours all the same.
      const brand = { name, code, [Symbol.for('longtake.error')]: true }
      return Object.assign(new Error(text, options), brand)
    }
  }
}

function fieldsOf(written: unknown) {
  const fields: Partial<Record<keyof WrittenError, unknown>> =
    typeof written === 'object' && written !== null ? written : {}
  const { name, message, code, about, cause } = fields
  return {
    name: typeof name === 'string' ? shorten(name) : 'Error',
    message: typeof message === 'string' ? shorten(message) : 'An error without a message.',
    code: typeof code === 'string' ? shorten(code) : undefined,
    about: typeof about === 'string' ? shorten(about) : '',
    cause,
  }
}

function shorten(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}
