/** A matrix in the layout of ONNX Runtime's MatMulNBits. */
export interface QuantizedMatrix {
  /** 4 or 8. */
  readonly bits: 4 | 8
  /** Inputs that share a scale. */
  readonly blockSize: number
  /** Output features: rows of the weight, attribute `N`. */
  readonly outputs: number
  /** Input features: columns of the weight, attribute `K`. */
  readonly inputs: number
  /** [outputs, blocks, blockSize·bits/8]; a block's first value is in the low bits. */
  readonly packed: Uint8Array
  /** [outputs, blocks] */
  readonly scales: Float32Array
  /** [outputs, ceil(blocks·bits/8)]; absent when every block's zero point is the middle, 2^(bits−1). */
  readonly zeroPoints?: Uint8Array
}

export interface QuantizeOptions {
  /** Default 4. */
  readonly bits?: 4 | 8
  /** A power of two from 16 to 256; default 32. */
  readonly blockSize?: number
  /** One zero point in the middle of the range for all blocks, or one for each block; default true. */
  readonly symmetric?: boolean
}

/** Quantises a weight [outputs, inputs] block by block along its inputs. */
export function quantizeBlockwise(
  weight: Float32Array,
  outputs: number,
  inputs: number,
  options: QuantizeOptions = {},
): QuantizedMatrix {
  throw new Error([weight, outputs, inputs, options].join())
}
