import type { WeightType } from '../config.js'
import type { Weight } from '../onnx/model.js'
import type { TensorSource } from '../tensor-source.js'

/** Inputs that share a scale: the smallest block for which ONNX Runtime's kernels are fast, and the most exact. */
export const WEIGHT_BLOCK = 32

/** A tensor as float32. */
export function floatWeight(source: TensorSource, tensor: string, shape: readonly number[]): Weight {
  const bytes = shape.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT)
  return {
    source,
    tensor,
    shape,
    storage: 'fp32',
    parts: [{ name: tensor, type: 'float32', dims: shape, bytes }],
  }
}

/** A matrix [outputs, inputs] as MatMulNBits takes it: packed values, and a scale for each block of a row. */
export function quantizedWeight(
  source: TensorSource,
  tensor: string,
  outputs: number,
  inputs: number,
  storage: Exclude<WeightType, 'fp32'>,
): Weight {
  const blocks = Math.ceil(inputs / WEIGHT_BLOCK)
  const blockBytes = (WEIGHT_BLOCK * (storage === 'int8' ? 8 : 4)) / 8
  const packed = [outputs, blocks, blockBytes]
  const scales = [outputs, blocks]
  const parts = [
    {
      name: `${tensor}:packed:${storage}`,
      type: 'uint8',
      dims: packed,
      bytes: outputs * blocks * blockBytes,
    },
    { name: `${tensor}:scales:${storage}`, type: 'float32', dims: scales, bytes: outputs * blocks * 4 },
  ] as const
  return { source, tensor, shape: [outputs, inputs], storage, parts }
}
