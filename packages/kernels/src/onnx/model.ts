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

/** One external data file of a model, held in memory. */
export interface ExternalData {
  /** Name by which the graph refers to the file. */
  readonly location: string
  readonly data: Uint8Array
}

/** An ONNX model ready for a session: the graph, and the weights it refers to as external data. */
export interface GraphModel {
  /** Serialised ModelProto; a few hundred KB at most, whatever the size of the weights. */
  readonly graph: Uint8Array
  /** External data files: hand them to the session by `location`. Large: drop the model once it is loaded. */
  readonly weights: readonly ExternalData[]
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
}
