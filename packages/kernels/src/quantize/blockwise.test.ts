import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { CheckpointError, InvalidOptionError, ShapeError } from '@longtake/core'
import fc from 'fast-check'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { dequantizeBlockwise, type QuantizedMatrix, quantizeBlockwise } from './blockwise.js'

/** Numbers spread like weights, the same for the same seed. */
function randomValues(length: number, seed: number): Float32Array {
  let state = seed >>> 0
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Float32Array.from({ length }, () => (uniform() + uniform() + uniform() - 1.5) * 0.1)
}

test('packs a worked block by hand', () => {
  const row = new Float32Array(16)
  row.set([-8, 7, 1, 0.4])
  const { packed, scales } = quantizeBlockwise(row, 1, 16, { blockSize: 16 })
  // −8 has the largest magnitude: scale 1, codes value + 8, the first of each pair in the low half.
  expect([...packed]).toEqual([0x0f * 16 + 0, 0x89, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88])
  expect([...scales]).toEqual([1])
})

const sizes = [
  { outputs: 5, inputs: 64 },
  { outputs: 16, inputs: 96 },
  { outputs: 3, inputs: 40 },
]
const variants = ([4, 8] as const).flatMap((bits) => sizes.map((size) => ({ bits, ...size })))

test.each(variants)(
  'MatMulNBits computes with these values: $bits bits, $outputs × $inputs',
  async ({ bits, outputs, inputs }) => {
    const weight = randomValues(outputs * inputs, outputs * inputs + bits)
    const matrix = quantizeBlockwise(weight, outputs, inputs, { bits })
    const rows = 4
    const input = randomValues(rows * inputs, 7)
    const actual = await runMatMulNBits(matrix, input, rows)
    const values = dequantizeBlockwise(matrix)
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < outputs; j++) {
        let expected = 0
        for (let k = 0; k < inputs; k++) expected += input[i * inputs + k]! * values[j * inputs + k]!
        expect(Math.abs(actual[i * outputs + j]! - expected)).toBeLessThan(1e-6)
      }
    }
  },
)

test('every value is met within a step: half of it by rounding, the rest where the range is clipped', () => {
  const block = fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 70 })
  const bits = fc.constantFrom(4 as const, 8 as const)
  fc.assert(
    fc.property(block, bits, (list, width) => {
      const weight = Float32Array.from(list)
      const matrix = quantizeBlockwise(weight, 1, weight.length, { bits: width })
      dequantizeBlockwise(matrix).forEach((value, i) => {
        const step = Math.abs(matrix.scales[Math.floor(i / 32)]!)
        // Tiny blocks lose their scale to the smallest float; they become 0.
        expect(Math.abs(value - weight[i]!)).toBeLessThanOrEqual(step * 1.001 + 1e-42)
      })
    }),
    { numRuns: 500 },
  )
})

test('zeros stay zeros', () => {
  const zeros = dequantizeBlockwise(quantizeBlockwise(new Float32Array(40), 1, 40))
  expect(zeros.every((value) => value === 0)).toBe(true)
})

test('refuses what it cannot stand for', () => {
  const weight = new Float32Array(32)
  expect(() => quantizeBlockwise(weight, 2, 32)).toThrow(ShapeError)
  expect(() => quantizeBlockwise(weight, -1, -32)).toThrow(ShapeError)
  expect(() => quantizeBlockwise(weight, 0, 0)).toThrow(ShapeError)
  expect(() => quantizeBlockwise(weight, 1, 32, { blockSize: 24 })).toThrow(InvalidOptionError)
  expect(() => quantizeBlockwise(weight, 1, 32, { bits: 3 as 4 })).toThrow(InvalidOptionError)
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const at of [0, 31]) {
      const broken = weight
        .slice()
        .fill(1)
        .fill(bad, at, at + 1)
      expect(() => quantizeBlockwise(broken, 1, 32, { name: 'a.weight' })).toThrow(CheckpointError)
      expect(() => quantizeBlockwise(broken, 1, 32, { name: 'a.weight' })).toThrow(/^a\.weight/)
    }
  }
})

async function runMatMulNBits(
  matrix: QuantizedMatrix,
  input: Float32Array,
  rows: number,
): Promise<Float32Array> {
  const session = await InferenceSession.create(modelOf(matrix), { intraOpNumThreads: 1 })
  const result = await session.run({ A: new Tensor('float32', input, [rows, matrix.inputs]) })
  await session.release()
  return result.Y!.data as Float32Array
}

/** A ModelProto of one node with its constants inside; written by field number, apart from our graph builder. */
function modelOf(matrix: QuantizedMatrix): Uint8Array {
  const { outputs, inputs, bits, blockSize, packed, scales } = matrix
  const blocks = Math.ceil(inputs / blockSize)
  const names = ['A', 'B', 'scales']
  const node = message((w) => {
    for (const name of names) text(w, 1, name)
    text(text(text(w, 2, 'Y'), 4, 'MatMulNBits'), 7, 'com.microsoft')
    for (const [name, value] of Object.entries({ K: inputs, N: outputs, bits, block_size: blockSize })) {
      nested(w, 5, (a) =>
        text(a, 1, name).tag(3, WireType.Varint).int64(value).tag(20, WireType.Varint).int32(2),
      )
    }
  })
  const graph = message((w) => {
    w.tag(1, WireType.LengthDelimited).bytes(node)
    text(w, 2, 'g')
    constant(w, 'B', 2, [outputs, blocks, (blockSize * bits) / 8], packed)
    constant(w, 'scales', 1, [outputs, blocks], new Uint8Array(scales.buffer))
    value(w, 11, 'A')
    value(w, 12, 'Y')
  })
  return message((w) => {
    w.tag(1, WireType.Varint).int64(9).tag(7, WireType.LengthDelimited).bytes(graph)
    nested(w, 8, (o) => o.tag(2, WireType.Varint).int64(18))
    nested(w, 8, (o) => text(o, 1, 'com.microsoft').tag(2, WireType.Varint).int64(1))
  })
}

function message(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}

function nested(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).bytes(message(write))
}

function text(writer: BinaryWriter, field: number, content: string): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).string(content)
}

function constant(writer: BinaryWriter, name: string, type: number, dims: number[], data: Uint8Array): void {
  nested(writer, 5, (t) => {
    for (const size of dims) t.tag(1, WireType.Varint).int64(size)
    text(t.tag(2, WireType.Varint).int32(type), 8, name).tag(9, WireType.LengthDelimited).bytes(data)
  })
}

/** A float matrix of any size. */
function value(writer: BinaryWriter, field: number, name: string): void {
  nested(writer, field, (info) => {
    text(info, 1, name)
    nested(info, 2, (type) => {
      nested(type, 1, (tensor) => {
        tensor.tag(1, WireType.Varint).int32(1)
        nested(tensor, 2, (shape) => {
          nested(shape, 1, (size) => text(size, 2, 'rows'))
          nested(shape, 1, (size) => text(size, 2, 'columns'))
        })
      })
    })
  })
}
