import type { Activation } from '../config.js'
import { type AttentionReach, activate, multiHeadAttention } from '../onnx/fused.js'
import type { GraphBuilder, Value } from '../onnx/graph-builder.js'
import type { Dimension } from '../onnx/model.js'
import { binary, layerNorm, reshape } from '../onnx/operators.js'
import type { WeightLoader } from '../onnx/weights.js'

/** Sizes that CLIP's vision and text towers both have. */
interface BlockConfig {
  readonly hiddenSize: number
  readonly heads: number
  readonly intermediateSize: number
  readonly activation: Activation
  readonly layerNormEpsilon: number
}

/** What building a tower's blocks needs. */
export interface Blocks {
  readonly config: BlockConfig
  readonly graph: GraphBuilder
  readonly loader: WeightLoader
}

/** The rows of a stream [rows…, D] as groups within which they attend to each other. */
interface Groups extends AttentionReach {
  readonly count: Dimension
  readonly length: Dimension
}

/** One CLIP layer on the stream [rows…, D]: attention and MLP, each on the normalised stream and added to it. */
export async function clipLayer(
  blocks: Blocks,
  stream: Value,
  names: string,
  groups: Groups,
): Promise<Value> {
  const normed = await norm(blocks, stream, `${names}layer_norm1`)
  const attended = await attention(blocks, normed, `${names}self_attn`, groups)
  return addMlp(blocks, binary(blocks.graph, 'Add', stream, attended), names)
}

/** Self-attention with biases inside each group of rows, output projection included. */
export async function attention(blocks: Blocks, x: Value, names: string, groups: Groups): Promise<Value> {
  const { graph, loader, config } = blocks
  const { hiddenSize: width, heads } = config
  const shape = { inputs: width, outputs: width }
  const grouped = [groups.count, groups.length, width]
  const project = async (part: string) => reshape(graph, loader.linear(x, `${names}.${part}`, shape), grouped)
  const [query, key, value] = [await project('q_proj'), await project('k_proj'), await project('v_proj')]
  const mixed = multiHeadAttention(graph, [query, key, value], heads, groups)
  return loader.linear(reshape(graph, mixed, x.dims), `${names}.out_proj`, shape)
}

/** The second half of a layer: the MLP on the normalised stream, added to it. */
export async function addMlp(blocks: Blocks, stream: Value, names: string): Promise<Value> {
  const { graph, loader, config } = blocks
  const { hiddenSize: width, intermediateSize: inner, activation } = config
  const normed = await norm(blocks, stream, `${names}layer_norm2`)
  const wide = loader.linear(normed, `${names}mlp.fc1`, { inputs: width, outputs: inner })
  const active = activate(graph, wide, activation)
  const narrow = loader.linear(active, `${names}mlp.fc2`, { inputs: inner, outputs: width })
  return binary(graph, 'Add', stream, narrow)
}

/** Layer normalisation with the weights `name.weight` and `name.bias`. */
export async function norm({ graph, loader, config }: Blocks, x: Value, name: string): Promise<Value> {
  const width = [config.hiddenSize]
  const weight = loader.tensor(`${name}.weight`, width)
  const bias = loader.tensor(`${name}.bias`, width)
  return layerNorm(graph, x, weight, bias, config.layerNormEpsilon)
}
