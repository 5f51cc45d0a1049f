/** An entry of a SentencePiece vocabulary; its id is its place, and earlier ones are merged first. */
export interface Piece {
  readonly text: string
  readonly type: keyof typeof TYPES
}

const TYPES = { normal: 1, unknown: 2, control: 3, byte: 6 } as const

/** `model_type` of the BPE kind. */
const BPE = 2

/**
 * A `tokenizer.model` of the BPE kind with byte fallback, as Llama's is.
 *
 * @remarks Field numbers: `sentencepiece_model.proto` of google/sentencepiece.
 */
export function writeSentencePieces(pieces: readonly Piece[]): Uint8Array {
  const entries = pieces.map(({ text, type }, id) => {
    const score = Buffer.alloc(4)
    score.writeFloatLE(type === 'normal' ? -id : 0)
    const fields = [block(1, Buffer.from(text)), tag(2, 5), score, integer(3, TYPES[type])]
    return block(1, Buffer.concat(fields))
  })
  const trainer = [integer(3, BPE), integer(4, pieces.length), integer(35, 1)]
  const normalizer = [block(1, Buffer.from('identity')), integer(3, 1), integer(4, 0)]
  const specs = [block(2, Buffer.concat(trainer)), block(3, Buffer.concat(normalizer))]
  return Buffer.concat([...entries, ...specs])
}

/** Field number and wire type of protobuf. */
function tag(field: number, wire: number): Buffer {
  return varint((field << 3) | wire)
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)])
}

function block(field: number, content: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(content.length), content])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
