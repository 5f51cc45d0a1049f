import { CheckpointError } from '@longtake/core'

/** One field of a message: a whole number, or the bytes of text, a message or a fixed-size number. */
export interface ProtobufField {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/** A varint has 64 bits in groups of seven. */
const MAX_VARINT_BYTES = 10
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Goes through the fields of a protobuf message as they stand; values are views of `bytes`, never copies.
 *
 * @param where - Name of the file in messages.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` if a field reaches beyond the message or is of no known wire type.
 * @remarks Source: the encoding guide of protocol buffers (protobuf.dev).
 */
export function* readProtobuf(bytes: Uint8Array, where: string): Generator<ProtobufField> {
  let position = 0
  const fail = (reason: string): CheckpointError =>
    new CheckpointError('CHECKPOINT_INVALID', `${where}: ${reason} at byte ${position} of its message.`)

  const varint = (): bigint => {
    let value = 0n
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = bytes[position]
      if (byte === undefined) throw fail('a number is cut off')
      position++
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw fail('a number has more than 64 bits')
  }

  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(bytes.length - position)) {
      throw fail(`a field of ${length} bytes reaches beyond the end`)
    }
    const start = position
    position += Number(length)
    return bytes.subarray(start, position)
  }

  while (position < bytes.length) {
    const key = varint()
    const number = key >> 3n
    if (number < 1n || number >= 1n << 29n) throw fail(`field number ${number} is out of range`)
    const wire = Number(key & 7n)
    let value: bigint | Uint8Array
    if (wire === WIRE.varint) value = varint()
    else if (wire === WIRE.bytes) value = take(varint())
    else if (wire === WIRE.fixed64) value = take(8n)
    else if (wire === WIRE.fixed32) value = take(4n)
    else throw fail(`wire type ${wire} is not known`)
    yield { number: Number(number), value }
  }
}
