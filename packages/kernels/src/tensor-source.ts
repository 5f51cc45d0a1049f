/** Element types of a checkpoint's tensors, in the spelling of safetensors. */
export type TensorDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL'

/** What is known of a tensor before it is read. */
export interface TensorInfo {
  readonly dtype: TensorDtype
  /** Sizes, outermost first; empty for a 0-dimensional tensor. */
  readonly shape: readonly number[]
}

/**
 * A checkpoint's tensors by name. Nothing but names, types and shapes is held: `read` fetches one tensor, so
 * that building a graph never needs the whole checkpoint in memory.
 */
export interface TensorSource {
  /** Every tensor's name, in no particular order. */
  names(): Iterable<string>
  has(name: string): boolean
  /** @throws {CheckpointError} CHECKPOINT_TENSOR if there is no tensor of that name. */
  info(name: string): TensorInfo
  /**
   * One tensor, row-major, as 32-bit floats; F16 and BF16 are widened exactly, F64 is rounded. The array is the
   * caller's own.
   *
   * @throws {CheckpointError} CHECKPOINT_TENSOR if it is missing, not of a float type, or cannot be read whole.
   */
  read(name: string): Promise<Float32Array<ArrayBuffer>>
  /**
   * Rows `first` to `end` − 1 of a tensor, along its first axis, as {@link read} gives all of them.
   *
   * @throws {CheckpointError} CHECKPOINT_TENSOR as `read`, and if the tensor has no such rows.
   */
  readRows(name: string, first: number, end: number): Promise<Float32Array<ArrayBuffer>>
  /**
   * One tensor's bytes as stored: row-major, little-endian. The array is the caller's own; its `byteOffset` may
   * be unaligned.
   *
   * @throws {CheckpointError} CHECKPOINT_TENSOR if it is missing or cannot be read whole.
   */
  readRaw(name: string): Promise<Uint8Array>
}

/** A file that can be read in pieces: on a disk, behind HTTP ranges, or in memory. */
export interface RandomAccess {
  /** What to call the file in errors. */
  readonly name: string
  /** Whole length, bytes. */
  readonly size: number
  /**
   * @param offset - First byte.
   * @param length - Number of bytes; `offset + length` is at most `size`.
   * @returns Exactly `length` bytes that the source will not change afterwards.
   */
  read(offset: number, length: number): Promise<Uint8Array>
}
