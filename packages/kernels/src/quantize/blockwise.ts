import { CheckpointError, InvalidOptionError, ShapeError } from '@longtake/core'

/** A matrix in the layout of ONNX Runtime's MatMulNBits; every zero point is the middle of the range, 2^(bits−1). */
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
}

export interface QuantizeOptions {
  /** Default 4. */
  readonly bits?: 4 | 8
  /** A power of two from 16 to 256; default 32. */
  readonly blockSize?: number
  /** What to call the weight in errors. */
  readonly name?: string
}

/**
 * Quantises a weight block by block along its inputs: value ≈ (code − 2^(bits−1)) · scale, each code rounded to the
 * nearest. The scale is such that the block's largest value in magnitude is met exactly. Blocks that the inputs do
 * not fill are padded with codes that stand for 0.
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
  { bits = 4, blockSize = 32, name = 'A weight' }: QuantizeOptions = {},
): QuantizedMatrix {
  checkArguments(weight, outputs, inputs, bits, blockSize)
  const blocks = Math.ceil(inputs / blockSize)
  const blockBytes = (blockSize * bits) / 8
  const packed = new Uint8Array(outputs * blocks * blockBytes)
  const scales = new Float32Array(outputs * blocks)
  const pack = bits === 4 ? packNibbles : packBytes
  const middle = 2 ** (bits - 1)
  for (let row = 0, block = 0; row < outputs; row++) {
    const rowEnd = (row + 1) * inputs
    for (let start = row * inputs; start < rowEnd; start += blockSize, block++) {
      const end = Math.min(start + blockSize, rowEnd)
      const extreme = extremeOf(weight, start, end)
      if (!Number.isFinite(extreme)) throw notFinite(name)
      scales[block] = extreme / -middle
      pack(weight, start, end, blockSize, extreme === 0 ? 0 : -middle / extreme, packed, block * blockBytes)
    }
  }
  return { bits, blockSize, outputs, inputs, packed, scales }
}

/**
 * The values that a quantised matrix stands for, [outputs, inputs] row-major.
 *
 * @remarks For checks: what the operator computes with, without running it.
 */
export function dequantizeBlockwise(matrix: QuantizedMatrix): Float32Array<ArrayBuffer> {
  const { bits, blockSize, outputs, inputs, packed, scales } = matrix
  const blocks = Math.ceil(inputs / blockSize)
  const values = new Float32Array(outputs * inputs)
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) {
      const block = row * blocks + Math.floor(column / blockSize)
      const code = codeAt(packed, (block * blockSize * bits) / 8, column % blockSize, bits)
      values[row * inputs + column] = (code - 2 ** (bits - 1)) * scales[block]!
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

/**
 * The value of the largest magnitude, NaN if any is. It gets the code 0, whose distance from the middle is one more
 * than that of the last code.
 */
function extremeOf(weight: Float32Array, start: number, end: number): number {
  let extreme = 0
  let magnitude = 0
  let sum = 0
  for (let i = start; i < end; i++) {
    const value = weight[i]!
    sum += value
    if (Math.abs(value) > magnitude) {
      magnitude = Math.abs(value)
      extreme = value
    }
  }
  return Number.isNaN(sum) ? Number.NaN : extreme
}

/** Codes of a block, two a byte. Adding a half and cutting off rounds, because no sum is below 0. */
function packNibbles(
  weight: Float32Array,
  start: number,
  end: number,
  blockSize: number,
  inverse: number,
  packed: Uint8Array,
  offset: number,
): void {
  let at = offset
  let i = start
  for (; i + 1 < end; i += 2, at++) {
    const low = (weight[i]! * inverse + 8.5) | 0
    const high = (weight[i + 1]! * inverse + 8.5) | 0
    packed[at] = Math.min(low, 15) | (Math.min(high, 15) << 4)
  }
  if (i < end) packed[at++] = Math.min(15, (weight[i]! * inverse + 8.5) | 0) | 0x80
  packed.fill(0x88, at, offset + blockSize / 2)
}

/** Codes of a block, one a byte. */
function packBytes(
  weight: Float32Array,
  start: number,
  end: number,
  blockSize: number,
  inverse: number,
  packed: Uint8Array,
  offset: number,
): void {
  let at = offset
  for (let i = start; i < end; i++, at++) {
    const code = (weight[i]! * inverse + 128.5) | 0
    packed[at] = Math.min(code, 255)
  }
  packed.fill(128, at, offset + blockSize)
}

function notFinite(name: string): CheckpointError {
  return new CheckpointError(
    'CHECKPOINT_TENSOR',
    `${name} has a value that is not finite, so it cannot be quantised.`,
  )
}

function codeAt(packed: Uint8Array, offset: number, index: number, bits: number): number {
  return bits === 8 ? packed[offset + index]! : (packed[offset + (index >> 1)]! >> ((index & 1) * 4)) & 15
}
