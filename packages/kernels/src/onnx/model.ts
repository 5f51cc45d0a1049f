import type { WeightType } from '../config.js'
import type { TensorSource } from '../tensor-source.js'

/** Element types that our graphs exchange with the runtime, in ONNX Runtime's spelling. */
export type TensorType = 'float32' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool'

/** One size: a number, or the name of a size that is known when the graph runs, such as `sequence`. */
export type Dimension = number | string

/** One input or output of a graph. */
export interface ValueSpec {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly Dimension[]
}

/** One array that a graph takes instead of a checkpoint's tensor, or for a part of it. */
export interface WeightPart {
  /** Name of the graph's initializer: the tensor's, with what part it is behind it where it is quantised. */
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly bytes: number
}

/** A checkpoint's tensor in the form in which a graph takes it: what has to be read, and what it becomes. */
export interface Weight {
  /** The checkpoint. */
  readonly source: TensorSource
  /** Name in the checkpoint. */
  readonly tensor: string
  /** Shape in the checkpoint. */
  readonly shape: readonly number[]
  readonly storage: WeightType
  /** One array of float32, or the packed values and the scales of a quantised matrix. */
  readonly parts: readonly WeightPart[]
}

/** Where a part of a weight lies: a file, named from the folder that the session looks in, and its first byte. */
export interface WeightPlace {
  readonly file: string
  readonly offset: number
}

/** One external data file, held in memory. */
export interface ExternalData {
  /** Name by which the graph refers to the file. */
  readonly location: string
  readonly data: Uint8Array
}

/** A graph that has been built: it says what weights it takes, and holds none of them. */
export interface GraphModel {
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
  /** Each once, in the order in which the graph uses them. */
  readonly weights: readonly Weight[]
  /**
   * Serialised ModelProto; a few MB at most, whatever the size of the weights.
   *
   * @param place - Where each part of each weight lies, by the part's name.
   */
  encode(place: (part: string) => WeightPlace): Uint8Array
}
