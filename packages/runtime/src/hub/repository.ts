import { createHash } from 'node:crypto'
import { HubError } from '@longtake/core'
import {
  type CheckpointFiles,
  parseObject,
  type RangedFile,
  type WeightFiles,
} from '../checkpoint/checkpoint-files.js'
import { findWeights, type WeightNames } from '../checkpoint/weight-names.js'
import { type HubClient, Interruption } from './client.js'
import { type HubFile, type Revision, readRevision } from './listing.js'

/** Most bytes of a file that is read into memory: configs take kilobytes, an index of 200 shards some megabytes. */
const MAX_SMALL_BYTES = 32 * 2 ** 20

/** One revision of a model of a hub, whose small files are read without a folder to put them into. */
export class HubRepository implements CheckpointFiles {
  /** `org/name`; what errors call it. */
  readonly path: string
  readonly client: HubClient
  readonly revision: Revision
  readonly #signal: AbortSignal
  readonly #read = new Map<string, Promise<Readonly<Record<string, unknown>>>>()

  private constructor(path: string, client: HubClient, revision: Revision, signal: AbortSignal) {
    this.path = path
    this.client = client
    this.revision = revision
    this.#signal = signal
  }

  /** Asks the hub which files a branch, tag or commit has. @throws {HubError} If it cannot or will not say. */
  static async open(
    path: string,
    client: HubClient,
    revision: string,
    signal: AbortSignal,
  ): Promise<HubRepository> {
    return new HubRepository(path, client, readRevision(await client.list(revision, signal)), signal)
  }

  has(name: string): boolean {
    return this.revision.paths.includes(name)
  }

  /**
   * The object in a small file of the revision, whose size and hash are those of the list; it comes once.
   *
   * @throws {HubError} `HUB_MISMATCH` if it is not what the list says.
   * @throws {CheckpointError} `CHECKPOINT_INVALID` if it is no JSON object.
   */
  async json(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (!this.has(name)) return undefined
    const known = this.#read.get(name)
    if (known !== undefined) return known
    const read = this.#receive(this.revision.file(name)).then((bytes) => parseObject(bytes, name))
    this.#read.set(name, read)
    return read
  }

  /** Which files hold the weights; undefined where there are none. @throws {CheckpointError} If an index is wrong. */
  weightNames(): Promise<WeightNames | undefined> {
    const top = this.revision.paths.filter((path) => !path.includes('/'))
    return findWeights(top, (name) => this.json(name), this.path)
  }

  /** The weight files, each read by range requests: what of them is read cannot be compared with a hash. */
  async weights(): Promise<WeightFiles<RangedFile>> {
    const { format, names } = (await this.weightNames()) ?? { format: 'safetensors', names: [] }
    return { format, files: names.map((name) => this.#range(this.revision.file(name))) }
  }

  async #receive(file: HubFile): Promise<Buffer> {
    if (file.sizeBytes > MAX_SMALL_BYTES) {
      throw new HubError('HUB_INVALID', `${file.path} has ${file.sizeBytes} bytes, too many for such a file.`)
    }
    const bytes = await this.#fetch(file, 0, file.sizeBytes)
    const hash = newHash(file).update(bytes).digest('hex')
    if (hash !== file.hash) throw mismatch(file, 'another hash than the hub says')
    return bytes
  }

  #range(file: HubFile): RangedFile {
    const { path, sizeBytes } = file
    const read = (offset: number, length: number): Promise<Buffer> => this.#fetch(file, offset, length)
    return { name: path, size: sizeBytes, read }
  }

  /** Bytes of a file; anything but exactly these is refused. */
  async #fetch(file: HubFile, offset: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0)
    const { path, sizeBytes } = file
    const isWhole = length === sizeBytes
    const range = isWhole ? {} : { range: `bytes=${offset}-${offset + length - 1}` }
    const { commit } = this.revision
    return this.client.retry(
      this.#signal,
      () => 0,
      async () => {
        const pieces: Uint8Array[] = []
        let received = 0
        const onAnswer = async (response: Response): Promise<void> => {
          if (!isWhole && !isRangeOf(response, offset, sizeBytes)) {
            throw new HubError(
              'HUB_INVALID',
              `The hub does not send a part of ${path} when it is asked for it.`,
            )
          }
        }
        await this.client.receive(path, commit, range, this.#signal, onAnswer, async (bytes) => {
          received += bytes.length
          if (received > length) throw mismatch(file, `more than the ${length} bytes that were asked for`)
          pieces.push(bytes)
        })
        if (received < length) throw new Interruption(`${path} ended after ${received} of ${length} bytes`)
        return Buffer.concat(pieces)
      },
    )
  }
}

/** Whether an answer is the part of a file that begins at `start`. */
export function isRangeOf(response: Response, start: number, sizeBytes: number): boolean {
  if (response.status !== 206) return false
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '')
  const [, first, total] = range ?? []
  return Number(first) === start && (total === '*' || Number(total) === sizeBytes)
}

/** Git hashes a file with its kind and size before it. */
export function newHash({ algorithm, sizeBytes }: HubFile): ReturnType<typeof createHash> {
  if (algorithm === 'sha256') return createHash('sha256')
  return createHash('sha1').update(`blob ${sizeBytes}\0`)
}

export function mismatch(file: HubFile, what: string): HubError {
  return new HubError(
    'HUB_MISMATCH',
    `${file.path} was sent with ${what}. It was thrown away: try again, or another revision.`,
  )
}
