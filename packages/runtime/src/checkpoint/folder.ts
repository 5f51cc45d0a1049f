import type { Stats } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@longtake/core'
import { InFlight } from '../in-flight.js'
import {
  type CheckpointFiles,
  checkTextSize,
  decodeText,
  type FileRange,
  parseObject,
  requireWeights,
  type WeightFiles,
} from './checkpoint-files.js'
import { isObject } from './fields.js'
import type { WeightNames } from './weight-names.js'

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
    return bytes && decodeText(bytes)
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
      checkTextSize(name, size)
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
    return requireWeights(this, present)
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

function isMissing(error: unknown): boolean {
  return isObject(error) && error.code === 'ENOENT'
}
