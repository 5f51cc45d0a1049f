import { InvalidOptionError } from '@longtake/core'

/** First bytes of every message; whatever else comes is no message of ours. */
const MAGIC = 0x314b544c
const PREFIX_BYTES = 12
/** Deepest nesting of what crosses; options and results have less than 10. */
const MOST_LEVELS = 32
/** Key of what JSON has no word for. */
const TAG = '\0longtake'

const ARRAYS = { u8: Uint8Array, f32: Float32Array } as const

/** Largest message that is read, bytes. */
export interface MessageLimits {
  /** Of everything but arrays. */
  readonly textBytes: number
  /** Of all arrays together. */
  readonly arrayBytes: number
}

/** What came through a pipe is no message: the other side is broken, or is no longer itself. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/**
 * Writes plain data as a message: JSON, and behind it the bytes of its arrays, which are not copied.
 *
 * @param name - What is written, for the refusal.
 * @throws {InvalidOptionError} If something in it is no data, such as a function.
 */
export function writeMessage(name: string, value: unknown): Uint8Array[] {
  const arrays: Uint8Array[] = []
  const packed = pack(value, { name, arrays, level: 0 })
  const text = Buffer.from(JSON.stringify({ value: packed, arrays: arrays.map(({ length }) => length) }))
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32LE(MAGIC, 0)
  prefix.writeUInt32LE(text.length, 4)
  prefix.writeUInt32LE(arrays.length, 8)
  return [Buffer.concat([prefix, text]), ...arrays.filter(({ length }) => length > 0)]
}

interface Packing {
  readonly name: string
  readonly arrays: Uint8Array[]
  readonly level: number
}

function pack(value: unknown, packing: Packing): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { [TAG]: ['number', String(value)] }
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return Object.is(value, -0) ? { [TAG]: ['number', '-0'] } : value
  if (value === undefined) return { [TAG]: ['undefined'] }
  if (typeof value !== 'object') throw new InvalidOptionError(packing.name, 'plain data', value)
  if (packing.level >= MOST_LEVELS)
    throw new InvalidOptionError(packing.name, `data of at most ${MOST_LEVELS} levels`, value)
  const inner = { ...packing, level: packing.level + 1 }
  if (ArrayBuffer.isView(value)) return packArray(value, packing)
  if (Array.isArray(value)) return value.map((one) => pack(one, inner))
  if (Object.hasOwn(value, TAG)) throw new InvalidOptionError(packing.name, 'plain data', value)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([key, field]) => [key, pack(field, inner)]))
}

function packArray(view: ArrayBufferView, { name, arrays }: Packing): unknown {
  const kind =
    view instanceof Float32Array
      ? 'f32'
      : view instanceof Uint8Array || view instanceof Uint8ClampedArray
        ? 'u8'
        : undefined
  if (kind === undefined) throw new InvalidOptionError(name, 'plain data', view)
  arrays.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  return { [TAG]: [kind, arrays.length - 1] }
}

/** Puts messages together again from pieces as they come; arrays are received where they stay. */
export class MessageReader {
  readonly #limits: MessageLimits
  #step: 'prefix' | 'text' | 'arrays' = 'prefix'
  #target = new Uint8Array(PREFIX_BYTES)
  #filled = 0
  #value: unknown
  #count = 0
  #arrays: Uint8Array[] = []
  #next = 0

  constructor(limits: MessageLimits) {
    this.#limits = limits
  }

  /**
   * Takes a piece and gives the messages that it completes.
   *
   * @throws {WireError} If this is no message, or one beyond the limits; nothing can be read after that.
   */
  *take(piece: Uint8Array): Generator<unknown, void, undefined> {
    let at = 0
    for (;;) {
      const wanted = Math.min(this.#target.length - this.#filled, piece.length - at)
      this.#target.set(piece.subarray(at, at + wanted), this.#filled)
      at += wanted
      this.#filled += wanted
      if (this.#filled < this.#target.length) return
      const message = this.#advance()
      if (message !== undefined) yield message.value
    }
  }

  #advance(): { readonly value: unknown } | undefined {
    if (this.#step === 'prefix') return this.#readPrefix()
    if (this.#step === 'text') this.#readText()
    else this.#next++
    if (this.#next < this.#arrays.length) {
      this.#expect('arrays', this.#arrays[this.#next]!)
      return undefined
    }
    const value = unpack(this.#value, this.#arrays)
    this.#value = undefined
    this.#arrays = []
    this.#expect('prefix', new Uint8Array(PREFIX_BYTES))
    return { value }
  }

  #expect(step: 'prefix' | 'text' | 'arrays', target: Uint8Array): void {
    this.#step = step
    this.#target = new Uint8Array(target.buffer as ArrayBuffer, target.byteOffset, target.length)
    this.#filled = 0
  }

  #readPrefix(): undefined {
    const prefix = new DataView(this.#target.buffer)
    if (prefix.getUint32(0, true) !== MAGIC) throw new WireError('What came is no message.')
    const textBytes = prefix.getUint32(4, true)
    if (textBytes > this.#limits.textBytes) throw new WireError(`A message of ${textBytes} bytes of text.`)
    this.#count = prefix.getUint32(8, true)
    this.#expect('text', new Uint8Array(textBytes))
  }

  #readText(): void {
    const message = parse(this.#target)
    const lengths: readonly unknown[] = Array.isArray(message.arrays) ? message.arrays : []
    const total = lengths.reduce<number>((sum, length) => sum + checkLength(length), 0)
    if (lengths.length !== this.#count || total > this.#limits.arrayBytes)
      throw new WireError(`A message of ${lengths.length} arrays of ${total} bytes.`)
    this.#value = message.value
    this.#arrays = lengths.map((length) => new Uint8Array(checkLength(length)))
    this.#next = 0
  }
}

function parse(text: Uint8Array): { readonly value?: unknown; readonly arrays?: unknown } {
  try {
    const message: unknown = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString())
    if (typeof message === 'object' && message !== null) return message
  } catch (cause) {
    throw new WireError('A message that is no JSON.', { cause })
  }
  throw new WireError('A message of nothing.')
}

function checkLength(length: unknown): number {
  if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return length
  throw new WireError('A message with an array of no length.')
}

function unpack(value: unknown, arrays: readonly Uint8Array[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => unpack(one, arrays))
  if (Object.hasOwn(value, TAG)) return unpackTagged(Reflect.get(value, TAG), arrays)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, unpack(field, arrays)]))
}

function unpackTagged(tagged: unknown, arrays: readonly Uint8Array[]): unknown {
  const [kind, content]: readonly unknown[] = Array.isArray(tagged) ? tagged : []
  if (kind === 'undefined') return undefined
  if (kind === 'number') return Number(content)
  const bytes = typeof content === 'number' ? arrays[content] : undefined
  if (bytes === undefined || (kind !== 'u8' && kind !== 'f32'))
    throw new WireError('A message with unknown content.')
  if (bytes.length % ARRAYS[kind].BYTES_PER_ELEMENT !== 0) throw new WireError('An array cut in a number.')
  return kind === 'u8' ? bytes : new Float32Array(bytes.buffer)
}
