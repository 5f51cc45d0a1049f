import type { Stats } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CheckpointError } from '@longtake/core'
import { isObject } from './fields.js'

/** Largest JSON or text file that is read whole: tokenizers of 256k entries take about 35 MB. */
const MAX_TEXT_BYTES = 128 * 1024 * 1024
/** Largest count of weight files: the largest published checkpoints have about 200. */
const MAX_SHARDS = 1024

/** A file read by range. Structurally the `RandomAccess` of `@longtake/kernels`. */
export interface FileRange {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** When it was last changed, milliseconds since 1970. */
  readonly modifiedMs: number
  read(offset: number, length: number): Promise<Uint8Array>
}

/** What the weights are written in. */
type WeightFormat = 'safetensors' | 'torch'

export interface WeightFiles {
  readonly format: WeightFormat
  /** The only file, or every shard. */
  readonly files: readonly FileRange[]
}

/** Index files in the order in which they are looked for: no safetensors are passed over for pickles. */
const INDEXES = [
  { name: 'model.safetensors.index.json', format: 'safetensors' },
  { name: 'pytorch_model.bin.index.json', format: 'torch' },
] as const

const SUFFIXES: Readonly<Record<WeightFormat, RegExp>> = {
  safetensors: /\.safetensors$/,
  torch: /\.(bin|pth)$/,
}

interface WeightNames {
  readonly format: WeightFormat
  readonly names: readonly string[]
}

/** A checkpoint folder in the published Hugging Face layout. Hold it only while loading; then `close()` it. */
export class CheckpointFolder {
  readonly path: string
  readonly #closers: (() => Promise<void>)[] = []

  constructor(path: string) {
    this.path = path
  }

  /** The text of a file, or undefined where there is none. */
  async text(name: string): Promise<string | undefined> {
    const bytes = await this.bytes(name)
    return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  }

  /** The bytes of a small file, or undefined where there is none. */
  async bytes(name: string): Promise<Uint8Array | undefined> {
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

  /** The object in a JSON file, or undefined where there is no such file. */
  async json(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const text = await this.text(name)
    if (text === undefined) return undefined
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw new CheckpointError('CHECKPOINT_INVALID', `${name} is not JSON: ${(error as Error).message}`, {
        cause: error,
      })
    }
    if (!isObject(value)) throw new CheckpointError('CHECKPOINT_INVALID', `${name} must hold a JSON object.`)
    return value
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

  /** Closes every file that was opened. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#closers.splice(0).map((close) => close()))
  }

  async #weightNames(): Promise<WeightNames> {
    const present = await readdir(this.path).catch((error: unknown) => {
      throw new CheckpointError('CHECKPOINT_INVALID', `The files of ${this.path} cannot be listed.`, {
        cause: error,
      })
    })
    for (const { name, format } of INDEXES) {
      const index = await this.json(name)
      if (index !== undefined) return { format, names: shardsOfIndex(index, name, SUFFIXES[format]) }
      const names = present.filter((file) => SUFFIXES[format].test(file)).sort()
      if (names.length > 0) return { format, names: withoutIndex(names, format, this.path) }
    }
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

/** The weights among the files of a folder without an index; optimisers and options are pickled under the same suffixes. */
function withoutIndex(names: readonly string[], format: WeightFormat, folder: string): readonly string[] {
  if (format === 'safetensors') return names.includes('model.safetensors') ? ['model.safetensors'] : names
  if (names.includes('pytorch_model.bin')) return ['pytorch_model.bin']
  const shards = names.filter((name) => name.startsWith('pytorch_model-'))
  if (shards.length > 0) return shards
  if (names.length === 1) return names
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `${folder} has ${names.length} .bin or .pth files, but none is pytorch_model.bin and no index names the weights.`,
  )
}

function shardsOfIndex(index: Readonly<Record<string, unknown>>, file: string, suffix: RegExp): string[] {
  const map = index.weight_map
  if (!isObject(map)) throw new CheckpointError('CHECKPOINT_INVALID', `${file} has no object "weight_map".`)
  const names = new Set<string>()
  for (const name of Object.values(map)) {
    if (typeof name !== 'string' || name !== basename(name) || name.includes('\\') || !suffix.test(name)) {
      throw new CheckpointError(
        'CHECKPOINT_INVALID',
        `${file} names ${JSON.stringify(name)}, which is no weight file of the folder.`,
      )
    }
    names.add(name)
  }
  if (names.size === 0 || names.size > MAX_SHARDS) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `${file} names ${names.size} files; 1 to ${MAX_SHARDS} are read.`,
    )
  }
  return [...names].sort()
}

function isMissing(error: unknown): boolean {
  return isObject(error) && error.code === 'ENOENT'
}
