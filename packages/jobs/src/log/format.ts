import { createHash } from 'node:crypto'
import type { StoredJob, StoreRecord } from '../store.js'

/** Version of the format. */
const FORMAT = 1
const SUM_CHARACTERS = 16
const LINE_END = 0x0a

/** First record of a log. */
export interface LogHead {
  readonly kind: 'head'
  readonly format: number
  /** How often the folder has been opened. */
  readonly generation: number
}

export type LogRecord = LogHead | StoreRecord

export function headRecord(generation: number): LogHead {
  return { kind: 'head', format: FORMAT, generation }
}

/** A record as a line: the start of the SHA-256 of its JSON, a space, the JSON. */
export function encodeRecord(record: LogRecord): Buffer {
  const json = JSON.stringify(record)
  return Buffer.from(`${sumOf(json)} ${json}\n`)
}

/** @returns The record of a line, or undefined if the line is torn or damaged. */
function decodeRecord(line: Uint8Array): LogRecord | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString()
  const json = text.slice(SUM_CHARACTERS + 1)
  if (text[SUM_CHARACTERS] !== ' ' || text.slice(0, SUM_CHARACTERS) !== sumOf(json)) return undefined
  return JSON.parse(json) as LogRecord
}

/** What a log says, record by record. */
export class LogContents {
  readonly jobs = new Map<string, StoredJob>()
  generation = 0
  /** Lines that are damaged, the torn end of the last write included. */
  damaged = 0
  /** Whether a good record follows a damaged one, which a torn write does not explain. */
  damagedInside = false
  unknownFormat = false

  read(line: Uint8Array): void {
    const record = decodeRecord(line)
    if (!record) {
      this.damaged++
      return
    }
    this.damagedInside ||= this.damaged > 0
    this.#apply(record)
  }

  #apply(record: LogRecord): void {
    if (record.kind === 'head') {
      this.generation = record.generation
      this.unknownFormat ||= record.format !== FORMAT
      return
    }
    if (record.kind === 'job') {
      this.jobs.set(record.job.id, record.job)
      return
    }
    const job = this.jobs.get(record.id)
    // The first end counts.
    if (!job || job.end) return
    if (record.kind === 'attempts') job.attempts = record.attempts
    else Object.assign(job, { end: record.end, endedAt: record.endedAt, payload: undefined })
  }
}

/** Cuts bytes that come in pieces into lines. What lacks its line end was not written whole, and is no line. */
export class LineCutter {
  #rest: Buffer[] = []
  readonly #take: (line: Uint8Array) => void

  constructor(take: (line: Uint8Array) => void) {
    this.#take = take
  }

  push(bytes: Buffer): void {
    let start = 0
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
      const piece = bytes.subarray(start, end)
      this.#take(this.#rest.length > 0 ? Buffer.concat([...this.#rest.splice(0), piece]) : piece)
      start = end + 1
    }
    if (start < bytes.length) this.#rest.push(Buffer.from(bytes.subarray(start)))
  }
}

function sumOf(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, SUM_CHARACTERS)
}
