import { CheckpointError, InvalidOptionError, isLongtakeError } from '@longtake/core'
import {
  checkTextSize,
  decodeText,
  type FileRange,
  parseObject,
  requireWeights,
  type WeightFiles,
} from '../checkpoint/checkpoint-files.js'
import type { OpenCheckpointFiles } from '../checkpoint/read-checkpoint.js'
import { bytesOf, openHttpFile } from './http-file.js'
import type { DownloadProgress, WebCheckpoint } from './load-options.js'

/** A scope and a name, or a name, as npm has them. */
const PACKAGE_NAME = /^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/

interface OpenOptions {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A file wherever it is; undefined where there is none. */
interface PlacedFile {
  readonly size: number
  readonly modifiedMs: number
  read(start: number, end: number): Promise<Uint8Array>
}

/** Opens a file of a place by its path. */
type OpenPlaced = (path: string) => Promise<PlacedFile | undefined>

/**
 * The files of a checkpoint, of which nothing has been read.
 *
 * @throws {InvalidOptionError} If it is neither an address nor files.
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` for the name of a package, which only servers can look up.
 */
export function openCheckpointFiles(checkpoint: WebCheckpoint, options: OpenOptions): OpenCheckpointFiles {
  if (typeof checkpoint === 'string' || checkpoint instanceof URL) {
    const base = baseAddress(checkpoint)
    return new PlacedFiles(base, (path) => fetched(new URL(path, base), options))
  }
  const files = filesByPath(checkpoint)
  return new PlacedFiles('the files given', async (path) => blobFile(files.get(path)))
}

function baseAddress(given: string | URL): string {
  const text = String(given)
  if (PACKAGE_NAME.test(text)) {
    throw new CheckpointError(
      'CHECKPOINT_NOT_FOUND',
      `${text} is the name of a package, which a browser cannot look up. Serve its folder checkpoint/ with the page and give the address of that, such as /checkpoint/.`,
    )
  }
  const folder = text.endsWith('/') ? text : `${text}/`
  try {
    const base = new URL(folder, globalThis.location?.href)
    if (base.protocol === 'http:' || base.protocol === 'https:') return base.href
  } catch (cause) {
    throw new InvalidOptionError('id', 'the address of a folder', text, { cause })
  }
  throw new InvalidOptionError('id', 'an address that begins with https: or http:', text)
}

/** Paths below the checkpoint's folder: a file input for folders puts the folder's own name first. */
function filesByPath(files: ReadonlyMap<string, Blob> | Iterable<File>): ReadonlyMap<string, Blob> {
  if (files instanceof Map) return files
  const isIterable = typeof files === 'object' && files !== null && Symbol.iterator in files
  if (!isIterable) throw new InvalidOptionError('id', 'the address of a folder, or its files', files)
  return new Map(
    [...(files as Iterable<File>)].map((file) => {
      const path = Reflect.get(file, 'webkitRelativePath')
      const inFolder = typeof path === 'string' ? path.slice(path.indexOf('/') + 1) : ''
      return [inFolder || file.name, file]
    }),
  )
}

function blobFile(blob: Blob | undefined): PlacedFile | undefined {
  if (blob === undefined) return undefined
  const modifiedMs = blob instanceof File ? blob.lastModified : 0
  return { size: blob.size, modifiedMs, read: (start, end) => bytesOf(blob.slice(start, end)) }
}

async function fetched(url: URL, { onProgress, signal }: OpenOptions): Promise<PlacedFile | undefined> {
  const isLarge = /\.(safetensors|bin|pth)$/.test(url.pathname)
  const onBytes =
    onProgress && isLarge
      ? (doneBytes: number, totalBytes: number) => onProgress({ doneBytes, totalBytes })
      : undefined
  const file = await openHttpFile(url.href, { signal, onBytes })
  return file && { size: file.sizeBytes, modifiedMs: 0, read: file.read }
}

/** A checkpoint's files by their paths. */
class PlacedFiles implements OpenCheckpointFiles {
  readonly path: string
  readonly #open: OpenPlaced

  constructor(path: string, open: OpenPlaced) {
    this.path = path
    this.#open = open
  }

  async text(name: string): Promise<string | undefined> {
    const bytes = await this.bytes(name)
    return bytes && decodeText(bytes)
  }

  async json(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const bytes = await this.bytes(name)
    return bytes && parseObject(bytes, name)
  }

  async bytes(name: string): Promise<Uint8Array | undefined> {
    return this.#reading(name, async () => {
      const file = await this.#open(name)
      if (file !== undefined) checkTextSize(name, file.size)
      return file?.read(0, file.size)
    })
  }

  /** The weight files. A server does not say which files it has, so without an index the usual names are tried. */
  async weights(): Promise<WeightFiles> {
    const opened = new Map<string, FileRange>()
    const open = async (name: string): Promise<FileRange | undefined> => {
      const known = opened.get(name)
      if (known !== undefined) return known
      const file = await this.#range(name)
      if (file !== undefined) opened.set(name, file)
      return file
    }
    const usual = async (): Promise<string[]> => {
      for (const name of ['model.safetensors', 'pytorch_model.bin']) {
        if ((await open(name)) !== undefined) return [name]
      }
      return []
    }
    const { format, names } = await requireWeights(this, await usual())
    const files: FileRange[] = []
    for (const name of names) {
      const file = await open(name)
      if (file === undefined)
        throw new CheckpointError('CHECKPOINT_NOT_FOUND', `Weight file ${name} is missing in ${this.path}.`)
      files.push(file)
    }
    return { format, files }
  }

  async close(): Promise<void> {}

  async #range(name: string): Promise<FileRange | undefined> {
    const file = await this.#reading(name, () => this.#open(name))
    if (file === undefined) return undefined
    const { size, modifiedMs } = file
    return {
      name,
      size,
      modifiedMs,
      read: (offset, length) => this.#reading(name, () => readExactly(file, name, offset, length)),
    }
  }

  async #reading<R>(name: string, work: () => Promise<R>): Promise<R> {
    try {
      return await work()
    } catch (error) {
      if (isLongtakeError(error)) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new CheckpointError('CHECKPOINT_INVALID', `${name} in ${this.path} cannot be read: ${why}.`, {
        cause: error,
      })
    }
  }
}

async function readExactly(
  file: PlacedFile,
  name: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = await file.read(offset, offset + length)
  if (bytes.length === length) return bytes
  throw new CheckpointError(
    'CHECKPOINT_INVALID',
    `${name} ends at byte ${offset + bytes.length}; ${offset + length} were expected.`,
  )
}
