import type { VisionConfig } from '../config.js'
import { solve } from '../onnx/dimensions.js'
import { activate, multiHeadAttention } from '../onnx/fused.js'
import type { GraphBuilder, Value } from '../onnx/graph-builder.js'
import { binary, layerNorm, reshape, transpose } from '../onnx/operators.js'
import type { WeightLoader } from '../onnx/weights.js'

/** What building a tower's layers needs. */
export interface Tower {
  readonly config: VisionConfig
  readonly prefix: string
  readonly graph: GraphBuilder
  readonly loader: WeightLoader
}

/**
 * One layer of the tower on the stream [F·T, D]: attention through time where the config has it, then attention
 * within each frame, then the MLP, each on the normalised stream and added to it.
 */
export async function encoderLayer(tower: Tower, stream: Value, layer: number): Promise<Value> {
  const { graph, config } = tower
  const names = `${tower.prefix}encoder.layers.${layer}.`
  let hidden = config.temporalFrames > 0 ? await attendThroughTime(tower, stream, names) : stream
  const tokens = tokensPerFrame(config)
  const spatial = await norm(tower, hidden, `${names}layer_norm1`)
  const attended = await attention(tower, spatial, `${names}self_attn`, tokens)
  hidden = binary(graph, 'Add', hidden, attended)
  const before = await norm(tower, hidden, `${names}layer_norm2`)
  return binary(graph, 'Add', hidden, await mlp(tower, before, `${names}mlp`))
}

/** Adds each slot's embedding, then attention over the N slots of every token position. */
async function attendThroughTime(tower: Tower, stream: Value, names: string): Promise<Value> {
  const { graph, loader, config } = tower
  const { temporalFrames: slots, hiddenSize: width } = config
  const tokens = tokensPerFrame(config)
  const clips = solve('clips', stream.dims, [slots, tokens, width])
  const table = await loader.read(`${names}temporal_embedding`, [1, slots, width])
  const embedding = graph.floats(`${names}temporal_embedding`, [1, slots, 1, width], table)
  const bySlot = [clips, slots, tokens, width]
  const hidden = reshape(graph, binary(graph, 'Add', reshape(graph, stream, bySlot), embedding), stream.dims)
  const normed = await norm(tower, hidden, `${names}temporal_layer_norm1`)
  const byToken = transpose(graph, reshape(graph, normed, bySlot), [0, 2, 1, 3])
  const rows = reshape(graph, byToken, stream.dims)
  const attended = await attention(tower, rows, `${names}temporal_attn`, slots)
  const back = transpose(graph, reshape(graph, attended, byToken.dims), [0, 2, 1, 3])
  return binary(graph, 'Add', hidden, reshape(graph, back, stream.dims))
}

/** Self-attention with biases over each `length` rows of the stream, output projection included. */
async function attention(tower: Tower, x: Value, names: string, length: number): Promise<Value> {
  const { graph, loader, config } = tower
  const width = config.hiddenSize
  const groups = [solve(names, x.dims, [length, width]), length, width]
  const parts = ['q_proj', 'k_proj', 'v_proj'] as const
  const shape = { inputs: width, outputs: width }
  const [query, key, value] = [
    reshape(graph, await loader.linear(x, `${names}.${parts[0]}`, shape), groups),
    reshape(graph, await loader.linear(x, `${names}.${parts[1]}`, shape), groups),
    reshape(graph, await loader.linear(x, `${names}.${parts[2]}`, shape), groups),
  ]
  const mixed = multiHeadAttention(graph, [query, key, value], config.heads)
  return loader.linear(reshape(graph, mixed, x.dims), `${names}.out_proj`, shape)
}

async function mlp({ graph, loader, config }: Tower, x: Value, names: string): Promise<Value> {
  const { hiddenSize: width, intermediateSize: inner, activation } = config
  const wide = await loader.linear(x, `${names}.fc1`, { inputs: width, outputs: inner })
  return loader.linear(activate(graph, wide, activation), `${names}.fc2`, { inputs: inner, outputs: width })
}

async function norm({ graph, loader, config }: Tower, x: Value, name: string): Promise<Value> {
  const width = [config.hiddenSize]
  const [weight, bias] = [
    await loader.tensor(`${name}.weight`, width),
    await loader.tensor(`${name}.bias`, width),
  ]
  return layerNorm(graph, x, weight, bias, config.layerNormEpsilon)
}

function tokensPerFrame({ imageSize, patchSize }: VisionConfig): number {
  return (imageSize / patchSize) ** 2 + 1
}
