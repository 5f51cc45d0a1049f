import { CheckpointError } from '@longtake/core'
import type { WeightType } from '../config.js'
import { expectWeightType } from '../config-check.js'
import type { TensorSource } from '../tensor-source.js'
import { floatWeight, quantizedWeight, WEIGHT_BLOCK } from '../weights/forms.js'
import { matMulPacked, matMulTransposed, type PackedMatrix } from './fused.js'
import { expectDims, type GraphBuilder, type Value } from './graph-builder.js'
import { binary } from './operators.js'

/** Sizes of a linear layer, as a checkpoint stores it: weight [outputs, inputs], bias [outputs]. */
export interface LinearShape {
  readonly inputs: number
  readonly outputs: number
  /** Whether the layer adds a bias; default true. */
  readonly bias?: boolean
}

/**
 * Puts a checkpoint's tensors into a graph, checked against the shapes that the config asks for. Nothing of them is
 * read but their shapes, except where a graph needs something computed from them.
 */
export class WeightLoader {
  readonly graph: GraphBuilder
  readonly #source: TensorSource
  readonly #type: WeightType

  /** @throws {InvalidOptionError} If `type` is no way to store weights. */
  constructor(graph: GraphBuilder, source: TensorSource, type: WeightType = 'fp32') {
    expectWeightType(type)
    this.graph = graph
    this.#source = source
    this.#type = type
  }

  /**
   * A tensor's values, to compute a constant from.
   *
   * @throws {CheckpointError} CHECKPOINT_TENSOR if the tensor is missing or has another shape.
   */
  async read(name: string, dims: readonly number[]): Promise<Float32Array> {
    this.#check(name, dims)
    return this.#source.read(name)
  }

  #check(name: string, dims: readonly number[]): void {
    const { shape } = this.#source.info(name)
    if (shape.length !== dims.length || shape.some((size, axis) => size !== dims[axis])) {
      const message = `${name}: the config asks for shape [${dims.join(', ')}], the checkpoint has [${shape.join(', ')}].`
      throw new CheckpointError('CHECKPOINT_TENSOR', message)
    }
  }

  /** A tensor as float32. */
  tensor(name: string, dims: readonly number[]): Value {
    this.#check(name, dims)
    return this.graph.weight(floatWeight(this.#source, name, dims))[0]!
  }

  /**
   * `x · weightᵀ + bias`, the weight stored as the graph's options say.
   *
   * @param x - [rows…, inputs].
   * @param layer - Name before `.weight` and `.bias`.
   */
  linear(x: Value, layer: string, { inputs, outputs, bias = true }: LinearShape): Value {
    const added = bias ? this.tensor(`${layer}.bias`, [outputs]) : undefined
    return this.project(x, `${layer}.weight`, [outputs, inputs], added)
  }

  /** `x · weightᵀ + bias` with the weight's whole name. */
  project(x: Value, name: string, [outputs, inputs]: readonly [number, number], bias?: Value): Value {
    const { graph } = this
    if (this.#type !== 'fp32') {
      return matMulPacked(graph, x, this.#packed(name, this.#type, outputs, inputs), bias)
    }
    const weight = this.tensor(name, [outputs, inputs])
    if (bias !== undefined && x.dims.length === 2) return gemm(graph, x, weight, bias)
    const product = matMulTransposed(graph, x, weight)
    return bias === undefined ? product : binary(graph, 'Add', product, bias)
  }

  #packed(name: string, type: 'int8' | 'int4', outputs: number, inputs: number): PackedMatrix {
    this.#check(name, [outputs, inputs])
    const weight = quantizedWeight(this.#source, name, outputs, inputs, type)
    const [packed, scales] = this.graph.weight(weight) as [Value, Value]
    const bits = type === 'int8' ? 8 : 4
    return { bits, blockSize: WEIGHT_BLOCK, outputSize: outputs, inputSize: inputs, packed, scales }
  }
}

/** x [rows, in] · weight [out, in]ᵀ + bias [out] in one operator. */
function gemm(graph: GraphBuilder, x: Value, weight: Value, bias: Value): Value {
  const name = graph.nextName('Gemm')
  expectDims(`${name} weight`, weight, [undefined, x.dims[1]])
  const outputs = weight.dims[0]!
  expectDims(`${name} bias`, bias, [outputs])
  const attributes = { transB: 1 }
  return graph.node('Gemm', [x, weight, bias], [{ type: x.type, dims: [x.dims[0]!, outputs] }], {
    attributes,
  })[0]
}
