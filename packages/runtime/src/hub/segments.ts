import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ChosenFile } from './choose.js'
import { Interruption } from './client.js'
import { isRangeOf, mismatch } from './repository.js'
import { fileSize } from './store.js'

/** Ranges of one file that come at once. */
const PARALLEL_RANGES = 4
const READ_BYTES = 2 ** 20

/** What receiving ranges needs to know. */
export interface SegmentJob {
  /** Where the part of the file lies that has been put together; segments lie beside it. */
  readonly path: string
  readonly segmentBytes: number
  readonly signal: AbortSignal
  /** Told bytes as they come, and those that are here already. */
  readonly onBytes: (bytes: number) => void
  /** Takes the file's bytes in order. */
  readonly append: (bytes: Uint8Array) => Promise<void>
}

/** A hub that answers a range with the whole file. */
export class NoRanges extends Error {}

/**
 * Receives a file from byte `start` on, several ranges at once. Each goes to a file of its own, from which an interrupted
 * one goes on, and is put to the whole as soon as all before it are.
 *
 * @param start - A multiple of `segmentBytes`.
 * @returns Whether ranges may be of different files: they came at different times, or with other ETags.
 * @throws {NoRanges} If the hub sends no ranges; what came of them is removed.
 */
export async function receiveSegments(file: ChosenFile, start: number, job: SegmentJob): Promise<boolean> {
  const stop = new AbortController()
  const signal = AbortSignal.any([job.signal, stop.signal])
  const segments = segmentsFrom(file, start, { ...job, signal })
  await removeOthers(job.path, segments)
  const etags = new Set<string>()
  const join = inOrder(segments, job.append)
  const waiting = [...segments]
  const worker = async (): Promise<void> => {
    for (let segment = waiting.shift(); segment !== undefined; segment = waiting.shift()) {
      signal.throwIfAborted()
      await segment.receive(etags)
      await join(segment)
    }
  }
  let failure: { readonly error: unknown } | undefined
  const workers = Array.from({ length: PARALLEL_RANGES }, () =>
    worker().catch((error: unknown) => {
      // The others end because of the first.
      failure ??= { error }
      stop.abort()
    }),
  )
  await Promise.all(workers)
  if (failure === undefined) return start > 0 || etags.size > 1 || segments.some(({ isResumed }) => isResumed)
  if (failure.error instanceof NoRanges) {
    for (const segment of segments) job.onBytes(-segment.waitingBytes)
    await removeSegments(job.path)
  }
  throw failure.error
}

/** Puts segments that are complete to the whole, each after all before it. */
function inOrder(
  segments: readonly Segment[],
  append: (bytes: Uint8Array) => Promise<void>,
): (complete: Segment) => Promise<void> {
  const ready = new Set<Segment>()
  let next = 0
  let joining = Promise.resolve()
  const joinReady = async (): Promise<void> => {
    for (let segment = segments[next]; segment && ready.has(segment); segment = segments[next]) {
      await segment.moveInto(append)
      next += 1
    }
  }
  return (complete) => {
    ready.add(complete)
    joining = joining.then(joinReady)
    return joining
  }
}

/** Bytes of segments of a file that are here. */
export async function segmentBytesHere(path: string): Promise<number> {
  const sizes = await Promise.all((await namesOf(path)).map((name) => fileSize(join(dirname(path), name))))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

/** Takes away what came of a file's ranges. */
export async function removeSegments(path: string): Promise<void> {
  await removeOthers(path, [])
}

function segmentsFrom(file: ChosenFile, start: number, job: SegmentJob): Segment[] {
  const segments: Segment[] = []
  for (let first = start; first < file.sizeBytes; first += job.segmentBytes) {
    segments.push(new Segment(file, first, Math.min(first + job.segmentBytes, file.sizeBytes), job))
  }
  return segments
}

async function removeOthers(path: string, segments: readonly Segment[]): Promise<void> {
  const kept = new Set(segments.map((segment) => basename(segment.path)))
  for (const name of await namesOf(path)) {
    if (!kept.has(name)) await rm(join(dirname(path), name), { force: true })
  }
}

async function namesOf(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`
  const names = await readdir(dirname(path)).catch(() => [])
  return names.filter((name) => name.startsWith(prefix) && /^\d+-\d+$/.test(name.slice(prefix.length)))
}

/** One range of a file on its way. */
class Segment {
  readonly path: string
  /** Whether a part of it was here before. */
  isResumed = false
  readonly #file: ChosenFile
  readonly #start: number
  readonly #end: number
  readonly #job: SegmentJob
  #offset = 0
  #isMoved = false

  constructor(file: ChosenFile, start: number, end: number, job: SegmentJob) {
    this.path = `${job.path}.${start}-${end}`
    this.#file = file
    this.#start = start
    this.#end = end
    this.#job = job
  }

  async receive(etags: Set<string>): Promise<void> {
    const handle = await open(this.path, 'a', 0o600)
    try {
      const { size } = await handle.stat()
      const isUsable = size <= this.#end - this.#start
      if (!isUsable) await handle.truncate(0)
      this.#offset = isUsable ? size : 0
      this.isResumed = this.#offset > 0
      this.#job.onBytes(this.#offset)
      await this.#file.from.client.retry(
        this.#job.signal,
        () => this.#offset,
        () => this.#receiveRest(handle, etags),
      )
    } finally {
      await handle.close()
    }
  }

  /** Bytes that are here and not yet a part of the whole. */
  get waitingBytes(): number {
    return this.#isMoved ? 0 : this.#offset
  }

  /** Hands its bytes on, and is gone. */
  async moveInto(append: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const handle = await open(this.path, 'r')
    try {
      const buffer = new Uint8Array(READ_BYTES)
      for (let done = 0; done < this.#offset; ) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, done)
        if (bytesRead === 0) throw mismatch(this.#file, 'a range that was changed on the disk')
        await append(buffer.subarray(0, bytesRead))
        done += bytesRead
      }
    } finally {
      await handle.close()
    }
    this.#isMoved = true
    await rm(this.path, { force: true })
  }

  async #receiveRest(handle: FileHandle, etags: Set<string>): Promise<void> {
    const { from, remotePath, sizeBytes, path } = this.#file
    const first = this.#start + this.#offset
    if (first === this.#end) return
    const onAnswer = async (response: Response): Promise<void> => {
      if (response.status === 200) throw new NoRanges()
      if (!isRangeOf(response, first, sizeBytes))
        throw mismatch(this.#file, 'another range than was asked for')
      etags.add(response.headers.get('etag') ?? '')
    }
    const range = { range: `bytes=${first}-${this.#end - 1}` }
    const { commit } = from.revision
    await from.client.receive(remotePath, commit, range, this.#job.signal, onAnswer, async (bytes) => {
      if (this.#start + this.#offset + bytes.length > this.#end) {
        throw mismatch(this.#file, 'more than the range that was asked for')
      }
      await handle.appendFile(bytes)
      this.#offset += bytes.length
      this.#job.onBytes(bytes.length)
    })
    const missing = this.#end - this.#start - this.#offset
    if (missing > 0) throw new Interruption(`a range of ${path} ended ${missing} bytes early`)
  }
}
