import type { Stats } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@longtake/core'
import { isNestedBeyond } from '@longtake/kernels'
import { InFlight } from '../in-flight.js'
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

/** A checkpoint folder in the published Hugging Face layout. Hold it only while loading; then `close()` it. */
export class CheckpointFolder implements CheckpointFiles<FileRange> {
  readonly path: string
  readonly #closers: (() => Promise<void>)[] = []
  readonly #reading = new InFlight()

  constructor(path: string) {
    this.path = path
  }

  /** The text of a file, or undefined where there is none. */
  async text(name: string): Promise<string | undefined> {
    const bytes = await this.bytes(name)
    return bytes && decode(bytes)
  }

  /** The bytes of a small file, or undefined where there is none. */
  bytes(name: string): Promise<Uint8Array | undefined> {
    return this.#reading.track(this.#read(name))
  }

  /** The object in a JSON file, or undefined where there is no such file. */
  async json(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const bytes = await this.bytes(name)
    return bytes && parseObject(bytes, name)
  }

  /**
   * Opens the weight files: safetensors where there are any, else those of `torch.save`; of either those that the index
   * names, or the only ones there are.
   *
   * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` when the folder has none or lacks a shard of the index.
   */
  async weights(): Promise<WeightFiles> {
    const { format, names } = await this.#weightNames()
    const files: FileRange[] = []
    // One by one: of several openings at once, those that outlast a failure would never be closed.
    for (const name of names) files.push(await this.#range(name))
    return { format, files }
  }

  /** Closes every file that was opened; reading that another file's failure overtook ends first. */
  async close(): Promise<void> {
    await this.#reading.settled()
    await Promise.allSettled(this.#closers.splice(0).map((close) => close()))
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    try {
      const path = join(this.path, name)
      const facts = await stat(path)
      requireFile(facts, name)
      const { size } = facts
      if (size > MAX_TEXT_BYTES) {
        throw new CheckpointError(
          'CHECKPOINT_INVALID',
          `${name} has ${size} bytes; at most ${MAX_TEXT_BYTES} are read.`,
        )
      }
      return await readFile(path)
    } catch (error) {
      if (isMissing(error)) return undefined
      if (error instanceof CheckpointError) throw error
      throw new CheckpointError('CHECKPOINT_INVALID', `${name} in ${this.path} cannot be read.`, {
        cause: error,
      })
    }
  }

  async #weightNames(): Promise<WeightNames> {
    const present = await readdir(this.path).catch((error: unknown) => {
      throw new CheckpointError('CHECKPOINT_INVALID', `The files of ${this.path} cannot be listed.`, {
        cause: error,
      })
    })
    const found = await findWeights(present, (name) => this.json(name), this.path)
    if (found !== undefined) return found
    throw new CheckpointError(
      'CHECKPOINT_NOT_FOUND',
      `${this.path} has no .safetensors, .bin or .pth file; other weight files are not read.`,
    )
  }

  async #range(name: string): Promise<FileRange> {
    const path = join(this.path, name)
    try {
      // Asked before opening, because opening a pipe would wait for its writer.
      requireFile(await stat(path), name)
      const handle = await open(path, 'r')
      this.#closers.push(() => handle.close())
      const { size, mtimeMs: modifiedMs } = await handle.stat()
      return { name, size, modifiedMs, read: (offset, length) => readRange(handle, name, offset, length) }
    } catch (error) {
      if (error instanceof CheckpointError) throw error
      throw isMissing(error)
        ? new CheckpointError('CHECKPOINT_NOT_FOUND', `Weight file ${name} is missing in ${this.path}.`, {
            cause: error,
          })
        : new CheckpointError('CHECKPOINT_INVALID', `Weight file ${name} in ${this.path} cannot be read.`, {
            cause: error,
          })
    }
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

async function readRange(
  handle: FileHandle,
  name: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) {
      throw new CheckpointError(
        'CHECKPOINT_INVALID',
        `${name} ends at byte ${offset + filled}; ${offset + length} were expected.`,
      )
    }
    filled += bytesRead
  }
  return bytes
}

function requireFile(facts: Stats, name: string): void {
  if (!facts.isFile()) throw new CheckpointError('CHECKPOINT_INVALID', `${name} is no ordinary file.`)
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
    value = JSON.parse(decode(bytes))
  } catch (error) {
    throw new CheckpointError('CHECKPOINT_INVALID', `${name} is not JSON: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (isObject(value)) return value
  throw new CheckpointError('CHECKPOINT_INVALID', `${name} must hold a JSON object.`)
}

function isMissing(error: unknown): boolean {
  return isObject(error) && error.code === 'ENOENT'
}
