import { attention, type Blocks, clipLayer, norm } from '../clip/blocks.js'
import type { VisionConfig } from '../config.js'
import { multiply, solve } from '../onnx/dimensions.js'
import type { Value } from '../onnx/graph-builder.js'
import { binary, reshape, transpose } from '../onnx/operators.js'

/** What building a tower's layers needs. */
export interface Tower extends Blocks {
  readonly config: VisionConfig
  readonly prefix: string
}

/**
 * One layer of the tower on the stream [F·T, D]: attention through time where the config has it, then attention
 * within each frame, then the MLP, each on the normalised stream and added to it.
 */
export async function encoderLayer(tower: Tower, stream: Value, layer: number): Promise<Value> {
  const { config } = tower
  const names = `${tower.prefix}encoder.layers.${layer}.`
  const hidden = config.temporalFrames > 0 ? await attendThroughTime(tower, stream, names) : stream
  const length = tokensPerFrame(config)
  const count = solve(names, hidden.dims, [length, config.hiddenSize])
  return clipLayer(tower, hidden, names, { count, length })
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
  const groups = { count: multiply(clips, tokens), length: slots }
  const attended = await attention(tower, rows, `${names}temporal_attn`, groups)
  const back = transpose(graph, reshape(graph, attended, byToken.dims), [0, 2, 1, 3])
  return binary(graph, 'Add', hidden, reshape(graph, back, stream.dims))
}

/** Tokens of one frame in the tower, class token included where there is one. */
export function tokensPerFrame({ kind, imageSize, patchSize }: VisionConfig): number {
  return Math.floor(imageSize / patchSize) ** 2 + (kind === 'siglip' ? 0 : 1)
}
