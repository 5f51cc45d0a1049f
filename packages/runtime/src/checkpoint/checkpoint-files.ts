import { CheckpointError } from '@longtake/core'
import { isNestedBeyond } from '@longtake/kernels'
import { isObject } from './fields.js'
import { findWeights, type WeightFormat, type WeightNames } from './weight-names.js'

/** Largest JSON or text file that is read whole: tokenizers of 256k entries take about 35 MB. */
const MAX_TEXT_BYTES = 128 * 1024 * 1024
/** Deepest nesting of a JSON file: published ones stay below 10. Deeper ones cost memory, and recursion its stack. */
const MAX_JSON_DEPTH = 100

/** A file read by range, wherever it is. Structurally the `RandomAccess` of `@longtake/kernels`. */
export interface RangedFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
}

/** A file of a folder, read by range. */
export interface FileRange extends RangedFile {
  /** When it was last changed, milliseconds since 1970. */
  readonly modifiedMs: number
}

export interface WeightFiles<F extends RangedFile = FileRange> {
  readonly format: WeightFormat
  /** The only file, or every shard. */
  readonly files: readonly F[]
}

/** Files of a checkpoint, wherever they are. */
export interface CheckpointFiles<F extends RangedFile = RangedFile> {
  /** What to call the place in errors. */
  readonly path: string
  /** The object in a JSON file, or undefined where there is no such file. */
  json(name: string): Promise<Readonly<Record<string, unknown>> | undefined>
  /** The weight files, each read by range. */
  weights(): Promise<WeightFiles<F>>
}

/** @throws {CheckpointError} `CHECKPOINT_INVALID` if a file is too large to be read whole. */
export function checkTextSize(name: string, size: number): void {
  if (size <= MAX_TEXT_BYTES) return
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `${name} has ${size} bytes; at most ${MAX_TEXT_BYTES} are read.`,
  )
}

/**
 * Which files hold the weights; see `findWeights`.
 *
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` where none do.
 */
export async function requireWeights(
  files: Pick<CheckpointFiles, 'path' | 'json'>,
  present: readonly string[],
): Promise<WeightNames> {
  const found = await findWeights(present, (name) => files.json(name), files.path)
  if (found !== undefined) return found
  throw new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `${files.path} has no .safetensors, .bin or .pth file; other weight files are not read.`,
  )
}

/** The text of a file, a byte order mark included. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** @throws {CheckpointError} `CHECKPOINT_INVALID` unless the text is a JSON object. */
export function parseObject(bytes: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  if (isNestedBeyond(bytes, MAX_JSON_DEPTH)) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `${name} is nested deeper than ${MAX_JSON_DEPTH} levels, which no checkpoint is. Download the file again.`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(decodeText(bytes))
  } catch (error) {
    throw new CheckpointError('CHECKPOINT_INVALID', `${name} is not JSON: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (isObject(value)) return value
  throw new CheckpointError('CHECKPOINT_INVALID', `${name} must hold a JSON object.`)
}
