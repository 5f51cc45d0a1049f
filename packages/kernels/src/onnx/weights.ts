import { CheckpointError } from '@longtake/core'
import type { WeightType } from '../config.js'
import { expectWeightType } from '../config-check.js'
import { quantizeBlockwise } from '../quantize/blockwise.js'
import type { TensorSource } from '../tensor-source.js'
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

/** Fetches a checkpoint's tensors into a graph, checked against the shapes that the config asks for. */
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

  /** @throws {CheckpointError} CHECKPOINT_TENSOR if the tensor is missing or has another shape. */
  async read(name: string, dims: readonly number[]): Promise<Float32Array> {
    const { shape } = this.#source.info(name)
    if (shape.length !== dims.length || shape.some((size, axis) => size !== dims[axis])) {
      const message = `${name}: the config asks for shape [${dims.join(', ')}], the checkpoint has [${shape.join(', ')}].`
      throw new CheckpointError('CHECKPOINT_TENSOR', message)
    }
    return this.#source.read(name)
  }

  /** A tensor as it is stored, as float32. */
  async tensor(name: string, dims: readonly number[]): Promise<Value> {
    return this.graph.floats(name, dims, await this.read(name, dims))
  }

  /**
   * `x · weightᵀ + bias`, the weight stored as the graph's options say.
   *
   * @param x - [rows…, inputs].
   * @param layer - Name before `.weight` and `.bias`.
   */
  async linear(x: Value, layer: string, { inputs, outputs, bias = true }: LinearShape): Promise<Value> {
    const added = bias ? await this.tensor(`${layer}.bias`, [outputs]) : undefined
    return this.project(x, `${layer}.weight`, [outputs, inputs], added)
  }

  /** `x · weightᵀ + bias` with the weight's whole name. */
  async project(
    x: Value,
    name: string,
    [outputs, inputs]: readonly [number, number],
    bias?: Value,
  ): Promise<Value> {
    const { graph } = this
    if (this.#type !== 'fp32') {
      return matMulPacked(graph, x, await this.#packed(name, outputs, inputs), bias)
    }
    const weight = await this.tensor(name, [outputs, inputs])
    if (bias !== undefined && x.dims.length === 2) return gemm(graph, x, weight, bias)
    const product = matMulTransposed(graph, x, weight)
    return bias === undefined ? product : binary(graph, 'Add', product, bias)
  }

  async #packed(name: string, outputs: number, inputs: number): Promise<PackedMatrix> {
    const bits = this.#type === 'int8' ? 8 : 4
    const matrix = quantizeBlockwise(await this.read(name, [outputs, inputs]), outputs, inputs, { bits })
    const { blockSize, packed, scales, zeroPoints } = matrix
    const blocks = Math.ceil(inputs / blockSize)
    const { graph } = this
    const blockBytes = (blockSize * bits) / 8
    const zeroBytes = Math.ceil((blocks * bits) / 8)
    return {
      bits,
      blockSize,
      outputSize: outputs,
      inputSize: inputs,
      packed: graph.initializer(`${name}:packed`, 'uint8', [outputs, blocks, blockBytes], packed),
      scales: graph.floats(`${name}:scales`, [outputs, blocks], scales),
      ...(zeroPoints && {
        zeroPoints: graph.initializer(`${name}:zero`, 'uint8', [outputs, zeroBytes], zeroPoints),
      }),
    }
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
