import { CheckpointError } from '@longtake/core'
import { isNestedBeyond } from '../json-depth.js'
import { BYTES_PER_ELEMENT, byteCount } from '../stored-tensors.js'
import type { TensorDtype, TensorInfo } from '../tensor-source.js'
import { findDuplicateKey } from './duplicate-keys.js'

/** Every runtime has it; the ES library that this package compiles against does not declare it. */
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string }

/** Longest header that is parsed, bytes; the reference implementation's limit. A 7B checkpoint's is under 100 KB. */
const MAX_HEADER_BYTES = 100_000_000

/** Depth of a header: its object, a tensor's, and the lists in there. More is refused before it costs memory. */
const HEADER_DEPTH = 3

/** Length field before the header, bytes. */
export const HEADER_PREFIX_BYTES = 8

/** A tensor and where its bytes are, counted from the start of the file. */
export interface TensorEntry extends TensorInfo {
  readonly offset: number
  readonly bytes: number
}

/**
 * Length of the header that follows the first 8 bytes.
 *
 * @throws {CheckpointError} CHECKPOINT_INVALID if it is empty, over 100 MB, or goes beyond the file.
 */
export function headerLength(prefix: Uint8Array, fileSize: number, file: string): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  const length = view.getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(file, `the header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`)
  }
  if (Number(length) > fileSize - HEADER_PREFIX_BYTES) {
    throw invalid(file, `the header claims ${length} bytes, but the file has only ${fileSize}`)
  }
  if (length < 2n) throw invalid(file, 'the header is empty')
  return Number(length)
}

/**
 * Parses and checks a header against the format's rules: every tensor has a known type, a shape whose size is
 * exactly its range, and the ranges fill the data without holes or overlaps.
 *
 * @param header - The header's bytes.
 * @param fileSize - Whole length of the file, bytes.
 * @param file - Name for errors.
 * @throws {CheckpointError} CHECKPOINT_INVALID naming the tensor and the rule.
 * @remarks Source: the format's description in the safetensors repository.
 */
export function parseHeader(header: Uint8Array, fileSize: number, file: string): Map<string, TensorEntry> {
  const root = parseJson(header, file)
  const dataStart = HEADER_PREFIX_BYTES + header.length
  const entries = new Map<string, TensorEntry>()
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') checkMetadata(value, file)
    else if (name === '__proto__') throw invalid(file, 'a tensor may not be named "__proto__"')
    else entries.set(name, parseEntry(name, value, dataStart, fileSize, file))
  }
  checkCoverage(entries, dataStart, fileSize, file)
  return entries
}

function parseJson(header: Uint8Array, file: string): object {
  if (isNestedBeyond(header, HEADER_DEPTH)) {
    throw invalid(file, `the header is nested deeper than the ${HEADER_DEPTH} levels of a header`)
  }
  let root: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header)
    root = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, 'the header is not JSON in UTF-8', cause)
  }
  if (!isRecord(root) || text[0] !== '{') throw invalid(file, 'the header is not a JSON object')
  const duplicate = findDuplicateKey(text)
  if (duplicate !== undefined) throw invalid(file, `the header has the key ${shown(duplicate)} twice`)
  return root
}

function checkMetadata(value: unknown, file: string): void {
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    throw invalid(file, '"__metadata__" is not an object of strings')
  }
}

function parseEntry(
  name: string,
  value: unknown,
  dataStart: number,
  fileSize: number,
  file: string,
): TensorEntry {
  if (!isRecord(value)) throw invalid(file, `tensor ${shown(name)} is not described by an object`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    throw invalid(file, `tensor ${shown(name)} has the unknown type ${shown(dtype)}`)
  }
  if (!isCounts(shape)) throw invalid(file, `tensor ${shown(name)} has a shape that is not a list of sizes`)
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw invalid(file, `tensor ${shown(name)} has data_offsets that are not two byte positions`)
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > fileSize - dataStart) {
    throw invalid(file, `tensor ${shown(name)} lies at bytes ${begin} to ${end} of ${fileSize - dataStart}`)
  }
  const bytes = byteCount(shape, BYTES_PER_ELEMENT[dtype])
  if (bytes !== end - begin) {
    const needed = Number.isNaN(bytes) ? 'more bytes than can be counted' : `${bytes} bytes`
    throw invalid(file, `tensor ${shown(name)} needs ${needed} for its shape, but has ${end - begin}`)
  }
  return { dtype, shape, offset: dataStart + begin, bytes }
}

function checkCoverage(
  entries: ReadonlyMap<string, TensorEntry>,
  dataStart: number,
  fileSize: number,
  file: string,
): void {
  const ordered = [...entries].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let position = dataStart
  for (const [name, entry] of ordered) {
    if (entry.offset < position) throw invalid(file, `tensor ${shown(name)} overlaps the one before it`)
    if (entry.offset > position) throw invalid(file, `bytes before tensor ${shown(name)} belong to no tensor`)
    position += entry.bytes
  }
  if (position !== fileSize)
    throw invalid(file, `${fileSize - position} bytes at the end belong to no tensor`)
}

function isDtype(text: string): text is TensorDtype {
  return Object.hasOwn(BYTES_PER_ELEMENT, text)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

function invalid(file: string, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${file}: ${what}. Download the file again.`, { cause })
}
