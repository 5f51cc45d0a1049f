import type { ExternalData, GraphModel, Weight, WeightPart } from '../onnx/model.js'
import { quantizeBlockwise } from '../quantize/blockwise.js'
import { WEIGHT_BLOCK } from './forms.js'

/** Values that are held as float32 at once, bytes: bounds memory whatever the size of a tensor. */
const BAND_BYTES = 16 * 1024 * 1024

/** Takes `bytes` of a part, from byte `offset` of it on. The array is the taker's own. */
export type TakeBytes = (part: WeightPart, offset: number, bytes: Uint8Array) => Promise<void> | void

/**
 * Reads a weight and brings it into its form, some rows at a time; each part comes in order and whole.
 *
 * @throws {CheckpointError} CHECKPOINT_TENSOR if the tensor cannot be read, or has values that are not finite where
 *   it is to be quantised.
 */
export async function prepareWeight(weight: Weight, take: TakeBytes): Promise<void> {
  const { source, tensor, shape } = weight
  const [rows = 1, ...rest] = shape
  const width = rest.reduce((product, size) => product * size, 1)
  const bandRows = Math.max(1, Math.floor(BAND_BYTES / Float32Array.BYTES_PER_ELEMENT / Math.max(width, 1)))
  for (let first = 0; first < rows; first += bandRows) {
    const end = Math.min(first + bandRows, rows)
    const values = shape.length === 0 ? await source.read(tensor) : await source.readRows(tensor, first, end)
    const arrays = formed(weight, values, end - first, width)
    for (const [index, part] of weight.parts.entries()) {
      await take(part, (part.bytes / rows) * first, bytesOf(arrays[index]!))
    }
  }
}

/** A graph with everything that it takes, in memory. */
export interface ModelInMemory {
  /** Serialised ModelProto. */
  readonly graph: Uint8Array
  /** Each part of each weight, under its own name. */
  readonly weights: readonly ExternalData[]
}

/**
 * Reads all weights of a graph into memory.
 *
 * @throws {CheckpointError} CHECKPOINT_TENSOR as {@link prepareWeight}.
 */
export async function readIntoMemory(model: GraphModel): Promise<ModelInMemory> {
  const weights: ExternalData[] = []
  for (const weight of model.weights) {
    const arrays = new Map(weight.parts.map(({ name, bytes }) => [name, new Uint8Array(bytes)]))
    await prepareWeight(weight, ({ name }, offset, bytes) => arrays.get(name)!.set(bytes, offset))
    for (const [location, data] of arrays) weights.push({ location, data })
  }
  return { graph: model.encode((part) => ({ file: part, offset: 0 })), weights }
}

/** The parts of some rows. */
function formed(
  { tensor, storage }: Weight,
  values: Float32Array<ArrayBuffer>,
  rows: number,
  width: number,
): ArrayBufferView[] {
  if (storage === 'fp32') return [values]
  const bits = storage === 'int8' ? 8 : 4
  const { packed, scales } = quantizeBlockwise(values, rows, width, {
    bits,
    blockSize: WEIGHT_BLOCK,
    name: tensor,
  })
  return [packed, scales]
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
