import { CheckpointError, InvalidOptionError, ShapeError } from '@longtake/core'

/** A matrix in the layout of ONNX Runtime's MatMulNBits. */
export interface QuantizedMatrix {
  /** Bits of one value: attribute `bits`. */
  readonly bits: 4 | 8
  /** Inputs that share a scale: attribute `block_size`. */
  readonly blockSize: number
  /** Output features, rows of the weight: attribute `N`. */
  readonly outputs: number
  /** Input features, columns of the weight: attribute `K`. */
  readonly inputs: number
  /** [outputs, blocks, blockSize·bits/8], blocks = ceil(inputs / blockSize); the first of two values is in the low bits. */
  readonly packed: Uint8Array<ArrayBuffer>
  /** [outputs, blocks] */
  readonly scales: Float32Array<ArrayBuffer>
  /**
   * [outputs, ceil(blocks·bits/8)], packed like the values; absent when every zero point is the middle of the
   * range, 2^(bits−1), as the operator then takes it to be.
   */
  readonly zeroPoints?: Uint8Array<ArrayBuffer>
}

export interface QuantizeOptions {
  /** Default 4. */
  readonly bits?: 4 | 8
  /** A power of two from 16 to 256; default 32. */
  readonly blockSize?: number
  /**
   * True (default): the zero point is the middle, and the block's largest value in magnitude is met exactly.
   * False: a zero point for each block, so that the range is exactly what the block spans (with 0).
   */
  readonly symmetric?: boolean
}

/** A block's parameters: value = (code − zeroPoint) · scale. */
interface BlockRange {
  scale: number
  zeroPoint: number
}

/**
 * Quantises a weight block by block along its inputs: value ≈ (code − zeroPoint) · scale, each code rounded to
 * the nearest. Blocks that the inputs do not fill are padded with codes that stand for 0.
 *
 * @param weight - [outputs, inputs], row-major, as PyTorch stores a Linear; read, never retained.
 * @throws {ShapeError} If the length is not outputs·inputs.
 * @throws {InvalidOptionError} If bits or blockSize are not as listed.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a value is not finite: a scale could not stand for its block.
 * @remarks O(outputs·inputs). Source of the layout: ONNX Runtime's contrib operator MatMulNBits.
 */
export function quantizeBlockwise(
  weight: Float32Array,
  outputs: number,
  inputs: number,
  options: QuantizeOptions = {},
): QuantizedMatrix {
  const { bits = 4, blockSize = 32, symmetric = true } = options
  checkArguments(weight, outputs, inputs, bits, blockSize)
  const blocks = Math.ceil(inputs / blockSize)
  const blockBytes = (blockSize * bits) / 8
  const packed = new Uint8Array(outputs * blocks * blockBytes)
  const scales = new Float32Array(outputs * blocks)
  const zeroRowBytes = Math.ceil((blocks * bits) / 8)
  const zeroPoints = symmetric ? undefined : new Uint8Array(outputs * zeroRowBytes)
  const range: BlockRange = { scale: 0, zeroPoint: 0 }
  const measure = symmetric ? measureSymmetric : measureAsymmetric
  for (let row = 0; row < outputs; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * inputs + block * blockSize
      const end = row * inputs + Math.min((block + 1) * blockSize, inputs)
      measure(weight, start, end, bits, range)
      scales[row * blocks + block] = range.scale
      packBlock(weight, start, end, bits, blockSize, range, packed, (row * blocks + block) * blockBytes)
      if (zeroPoints) putCode(zeroPoints, row * zeroRowBytes, block, bits, range.zeroPoint)
    }
  }
  return { bits, blockSize, outputs, inputs, packed, scales, ...(zeroPoints && { zeroPoints }) }
}

/**
 * The values that a quantised matrix stands for, [outputs, inputs] row-major.
 *
 * @remarks For checks: what the operator computes with, without running it.
 */
export function dequantizeBlockwise(matrix: QuantizedMatrix): Float32Array<ArrayBuffer> {
  const { bits, blockSize, outputs, inputs, packed, scales, zeroPoints } = matrix
  const blocks = Math.ceil(inputs / blockSize)
  const zeroRowBytes = Math.ceil((blocks * bits) / 8)
  const values = new Float32Array(outputs * inputs)
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) {
      const block = Math.floor(column / blockSize)
      const zero = zeroPoints ? getCode(zeroPoints, row * zeroRowBytes, block, bits) : 2 ** (bits - 1)
      const blockStart = ((row * blocks + block) * blockSize * bits) / 8
      const code = getCode(packed, blockStart, column % blockSize, bits)
      values[row * inputs + column] = (code - zero) * scales[row * blocks + block]!
    }
  }
  return values
}

function checkArguments(
  weight: Float32Array,
  outputs: number,
  inputs: number,
  bits: number,
  blockSize: number,
): void {
  if (bits !== 4 && bits !== 8) throw new InvalidOptionError('bits', '4 or 8', bits)
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new InvalidOptionError('blockSize', 'a power of two from 16 to 256', blockSize)
  }
  const sizes = [outputs, inputs]
  if (!sizes.every((size) => Number.isSafeInteger(size) && size > 0) || weight.length !== outputs * inputs) {
    throw new ShapeError('weight', `[${outputs}, ${inputs}]`, [weight.length])
  }
}

/** The largest magnitude gets the code 0, whose distance from the middle is one more than that of the last code. */
function measureSymmetric(
  weight: Float32Array,
  start: number,
  end: number,
  bits: number,
  range: BlockRange,
): void {
  let extreme = 0
  for (let i = start; i < end; i++) {
    if (Math.abs(weight[i]!) > Math.abs(extreme)) extreme = weight[i]!
    else if (Number.isNaN(weight[i]!)) extreme = Number.NaN
    if (Number.isNaN(extreme)) break
  }
  range.zeroPoint = 2 ** (bits - 1)
  range.scale = finiteScale(extreme / -range.zeroPoint)
}

/** The range is what the block spans and 0, so that the zero point is a code and 0 is met exactly. */
function measureAsymmetric(
  weight: Float32Array,
  start: number,
  end: number,
  bits: number,
  range: BlockRange,
): void {
  let low = 0
  let high = 0
  for (let i = start; i < end; i++) {
    low = Math.min(low, weight[i]!)
    high = Math.max(high, weight[i]!)
  }
  range.scale = finiteScale((high - low) / (2 ** bits - 1))
  range.zeroPoint = range.scale === 0 ? 0 : Math.round(-low / range.scale)
}

/** As the operator will hold it. A block of numbers too small for a scale becomes 0. */
function finiteScale(scale: number): number {
  const single = Math.fround(scale)
  if (Number.isFinite(single)) return single
  throw new CheckpointError('CHECKPOINT_TENSOR', 'A weight to be quantised has a value that is not finite.')
}

function packBlock(
  weight: Float32Array,
  start: number,
  end: number,
  bits: number,
  blockSize: number,
  { scale, zeroPoint }: BlockRange,
  packed: Uint8Array,
  offset: number,
): void {
  const inverse = scale === 0 ? 0 : 1 / scale
  const last = 2 ** bits - 1
  const step = bits === 4 ? 2 : 1
  for (let i = 0, at = offset; i < blockSize; i += step, at++) {
    const low = codeAt(weight, start + i, end, inverse, zeroPoint, last)
    packed[at] = step === 1 ? low : low | (codeAt(weight, start + i + 1, end, inverse, zeroPoint, last) << 4)
  }
}

/** The nearest code; behind the block's end the one that stands for 0. */
function codeAt(
  weight: Float32Array,
  index: number,
  end: number,
  inverse: number,
  zeroPoint: number,
  last: number,
): number {
  if (index >= end) return zeroPoint
  // Adding 0.5 and cutting off rounds, because the sum is never below 0 after the clamp.
  const code = weight[index]! * inverse + zeroPoint + 0.5
  return code <= 0 ? 0 : code >= last ? last : code | 0
}

function putCode(packed: Uint8Array, offset: number, index: number, bits: number, code: number): void {
  if (bits === 8) packed[offset + index] = code
  else packed[offset + (index >> 1)]! |= code << ((index & 1) * 4)
}

function getCode(packed: Uint8Array, offset: number, index: number, bits: number): number {
  return bits === 8 ? packed[offset + index]! : (packed[offset + (index >> 1)]! >> ((index & 1) * 4)) & 15
}
