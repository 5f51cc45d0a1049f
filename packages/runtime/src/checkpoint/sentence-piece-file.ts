import { CheckpointError } from '@longtake/core'
import { type ProtobufField, readProtobuf } from './protobuf.js'

/** Most pieces that are read: the largest published vocabularies have about 260,000. */
const MAX_PIECES = 1 << 20
/** Longest piece, bytes: published ones stay below 100. */
const MAX_PIECE_BYTES = 1024
const FILE = 'tokenizer.model'

const PIECE_TYPES = ['', 'normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'] as const
const MODEL_TYPES = ['', 'unigram', 'bpe', 'word', 'char'] as const

type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'byte'

/** An entry of the vocabulary; its id is its place. */
interface Piece {
  readonly text: string
  /** The higher, the earlier two symbols are merged into it. */
  readonly score: number
  readonly type: PieceType
}

/** What is read of a `tokenizer.model`. */
export interface SentencePieceFile {
  readonly pieces: readonly Piece[]
  readonly byteFallback: boolean
  readonly addDummyPrefix: boolean
  readonly removeExtraWhitespaces: boolean
  readonly escapeWhitespaces: boolean
  /** Text of the tokens that begin and end a text; empty where there is none. */
  readonly bosPiece: string
  readonly eosPiece: string
}

/**
 * Reads a SentencePiece model of the BPE kind.
 *
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if the file is damaged or contradicts itself; `CHECKPOINT_UNSUPPORTED`,
 *   naming what it asks for, if it is of another kind, has a normalisation table or pieces that are not used.
 * @remarks Field numbers: `sentencepiece_model.proto` of google/sentencepiece.
 */
export function readSentencePieceFile(bytes: Uint8Array): SentencePieceFile {
  const pieces: Piece[] = []
  const specs = new Map<number, Map<number, ProtobufField['value']>>()
  for (const { number, value } of readProtobuf(bytes, FILE)) {
    if (number === 1) {
      if (pieces.length === MAX_PIECES) throw invalid(`more than ${MAX_PIECES} pieces`)
      pieces.push(readPiece(message(value, 'pieces'), pieces.length))
    } else if (number === 2 || number === 3 || number === 5) {
      const spec = specs.get(number) ?? new Map<number, ProtobufField['value']>()
      for (const field of readProtobuf(message(value, 'a specification'), FILE))
        spec.set(field.number, field.value)
      specs.set(number, spec)
    }
  }
  if (!specs.has(2))
    throw invalid('it has no trainer_spec, so it is empty or cut off. Download the file again')
  const trainer = new Spec(specs.get(2), 'trainer_spec')
  const normalizer = new Spec(specs.get(3), 'normalizer_spec')
  const model = trainer.integer(3, 'model_type', 1)
  if (model !== 2) throw unsupported(`model_type ${MODEL_TYPES[model] || model} (bpe only)`)
  if (trainer.boolean(24, 'treat_whitespace_as_suffix', false))
    throw unsupported('treat_whitespace_as_suffix')
  refuseTable(normalizer)
  refuseTable(new Spec(specs.get(5), 'denormalizer_spec'))
  const byteFallback = trainer.boolean(35, 'byte_fallback', false)
  checkPieces(pieces, byteFallback)
  const pieceAt = (id: number): string => pieces[id]?.text ?? ''
  return {
    pieces,
    byteFallback,
    addDummyPrefix: normalizer.boolean(3, 'add_dummy_prefix', true),
    removeExtraWhitespaces: normalizer.boolean(4, 'remove_extra_whitespaces', true),
    escapeWhitespaces: normalizer.boolean(5, 'escape_whitespaces', true),
    bosPiece: pieceAt(trainer.integer(41, 'bos_id', 1)),
    eosPiece: pieceAt(trainer.integer(42, 'eos_id', 2)),
  }
}

/** The byte that a byte piece such as `<0x0A>` stands for. */
export function byteOfPiece(text: string): number | undefined {
  const digits = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** Fields of one message; the last of several values counts, as in protobuf. */
class Spec {
  readonly #fields: ReadonlyMap<number, ProtobufField['value']>
  readonly name: string

  constructor(fields: ReadonlyMap<number, ProtobufField['value']> | undefined, name: string) {
    this.#fields = fields ?? new Map()
    this.name = name
  }

  integer(number: number, name: string, fallback: number): number {
    const value = this.#fields.get(number)
    if (value === undefined) return fallback
    if (typeof value !== 'bigint') throw invalid(`${this.name}.${name} is no whole number`)
    return Number(BigInt.asIntN(32, value))
  }

  boolean(number: number, name: string, fallback: boolean): boolean {
    return this.integer(number, name, fallback ? 1 : 0) !== 0
  }

  text(number: number, name: string): string {
    const value = this.#fields.get(number)
    return value === undefined ? '' : utf8(message(value, `${this.name}.${name}`), `${this.name}.${name}`)
  }

  byteLength(number: number, name: string): number {
    const value = this.#fields.get(number)
    return value === undefined ? 0 : message(value, `${this.name}.${name}`).length
  }
}

/** Without a table, normalisation changes nothing but spaces. */
function refuseTable(spec: Spec): void {
  if (spec.byteLength(2, 'precompiled_charsmap') === 0) return
  const name = spec.text(1, 'name') || 'without a name'
  throw unsupported(`${spec.name} ${name}, which has a table (precompiled_charsmap; identity only)`)
}

function readPiece(bytes: Uint8Array, id: number): Piece {
  const where = `piece ${id}`
  let text = ''
  let score = 0
  let type = 1
  for (const { number, value } of readProtobuf(bytes, `${FILE}: ${where}`)) {
    if (number === 1) text = readPieceText(value, where)
    else if (number === 2) score = readScore(value, where)
    else if (number === 3) {
      if (typeof value !== 'bigint') throw invalid(`${where} has a type that is no number`)
      type = Number(BigInt.asIntN(32, value))
    }
  }
  if (text === '') throw invalid(`${where} has no text`)
  const name = PIECE_TYPES[type]
  if (name === undefined || name === '') throw invalid(`${where} has type ${type}`)
  if (name === 'unused') throw unsupported(`${where} of type unused`)
  return { text, score, type: name }
}

function readPieceText(value: ProtobufField['value'], where: string): string {
  const bytes = message(value, `${where}'s text`)
  if (bytes.length > MAX_PIECE_BYTES)
    throw invalid(`${where} has ${bytes.length} bytes; at most ${MAX_PIECE_BYTES} are read`)
  return utf8(bytes, where)
}

function readScore(value: ProtobufField['value'], where: string): number {
  if (typeof value === 'bigint' || value.length !== 4) throw invalid(`${where} has a score that is no float`)
  const score = new DataView(value.buffer, value.byteOffset, 4).getFloat32(0, true)
  if (!Number.isFinite(score)) throw invalid(`${where} has score ${score}`)
  return score
}

function checkPieces(pieces: readonly Piece[], byteFallback: boolean): void {
  const seen = new Map<string, number>()
  let bytes = 0
  let unknowns = 0
  for (const [id, { text, type }] of pieces.entries()) {
    const before = seen.get(text)
    if (before !== undefined) throw invalid(`pieces ${before} and ${id} are both ${JSON.stringify(text)}`)
    seen.set(text, id)
    if (type === 'unknown') unknowns++
    if (type !== 'byte') continue
    if (byteOfPiece(text) === undefined) throw invalid(`byte piece ${id} is ${JSON.stringify(text)}`)
    bytes++
  }
  if (unknowns !== 1) throw invalid(`${unknowns} pieces of type unknown; exactly one is needed`)
  const expected = byteFallback ? 256 : 0
  if (bytes !== expected)
    throw invalid(`${bytes} byte pieces; ${expected} are needed with byte_fallback ${byteFallback}`)
}

function message(value: ProtobufField['value'], where: string): Uint8Array {
  if (typeof value === 'bigint') throw invalid(`${where} is a number where bytes are expected`)
  return value
}

function utf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CheckpointError('CHECKPOINT_INVALID', `${FILE}: ${where} is not UTF-8.`, { cause: error })
  }
}

function invalid(reason: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `${FILE}: ${reason}.`)
}

function unsupported(what: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_UNSUPPORTED', `${FILE}: ${what} is not supported.`)
}
