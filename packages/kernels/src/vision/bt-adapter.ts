import { addMlp, attention, type Blocks, norm } from '../clip/blocks.js'
import type { BtAdapterConfig } from '../config.js'
import type { GraphBuilder, Value } from '../onnx/graph-builder.js'
import {
  binary,
  dropFront,
  firstRows,
  flatRows,
  join,
  reduce,
  repeatAs,
  reshape,
  takeFront,
  transpose,
  unsqueeze,
} from '../onnx/operators.js'
import { type Tower, tokensPerFrame } from './layer.js'

/** The branch's norms have PyTorch's default, whatever the tower's config says. */
const BRANCH_EPSILON = 1e-5

/** Index of the branch layer that stands beside the tower's layer `layer`; negative where there is none yet. */
function besideLayer({ config }: Tower, { depth }: BtAdapterConfig, layer: number): number {
  return layer - (config.layers - depth)
}

/**
 * One layer of the BT-Adapter, a temporal branch that hears the tower and is not heard by it.
 *
 * Dimensions: `F` frames of the one clip, `T` tokens per frame with the class token first, `D` width. The branch has
 * one class token for the whole clip; every frame holds the same copy of it, so that the shapes are the tower's.
 *
 * @param trunk - [F·T, D]: the tower's stream after its layer `layer`.
 * @param branch - [F, T, D]: the branch before this layer; undefined before its first.
 * @returns [F, T, D]; undefined where no branch layer stands beside `layer`.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if a tensor is missing or has another shape.
 * @remarks Source: BT-Adapter (arXiv 2309.15785) in the form that PPLLaVA (arXiv 2411.02327) released: attention
 *   through time, then a spatial layer, as divided space-time attention in TimeSformer (arXiv 2102.05095).
 */
export async function adapterLayer(
  tower: Tower,
  trunk: Value,
  branch: Value | undefined,
  layer: number,
): Promise<Value | undefined> {
  const { graph, config, prefix } = tower
  const { btAdapter } = config
  const index = btAdapter === undefined ? -1 : besideLayer(tower, btAdapter, layer)
  if (btAdapter === undefined || index < 0) return undefined
  const tokens = tokensPerFrame(config)
  const heard = shareClassToken(graph, reshape(graph, trunk, ['frames', tokens, config.hiddenSize]))
  const input =
    branch === undefined ? await start(tower, heard, btAdapter) : binary(graph, 'Add', branch, heard)
  const blocks: Blocks = { ...tower, config: { ...config, layerNormEpsilon: BRANCH_EPSILON } }
  const mixed = await attendThroughTime(blocks, input, `${prefix}btadapter_T_layers.${index}.`)
  return spatialLayer(blocks, mixed, `${prefix}btadapter_S_layers.${index}.`)
}

/** What a tower with a branch gives [F, T, D]: its own class token, and patches half its own and half the branch's. */
export function mixBranch(graph: GraphBuilder, trunk: Value, branch: Value): Value {
  const sum = binary(graph, 'Add', dropFront(graph, trunk, 1, 1), dropFront(graph, branch, 1, 1))
  return join(graph, takeFront(graph, trunk, 1, 1), half(graph, sum), 1)
}

/** The branch's first input: the tower's state with positions a second time, times, and a class token of its own. */
async function start(tower: Tower, heard: Value, { frames }: BtAdapterConfig): Promise<Value> {
  const { graph, loader, config, prefix } = tower
  const width = config.hiddenSize
  const tokens = tokensPerFrame(config)
  const table = await loader.read(`${prefix}embeddings.position_embedding.weight`, [tokens, width])
  const own = await loader.read(`${prefix}btadapter_cls_token`, [1, 1, width])
  const classOffset = own.map((value, channel) => value + table[channel]!)
  const [className, patchName] = [`${prefix}btadapter:class`, `${prefix}btadapter:positions`]
  const classToken = binary(
    graph,
    'Add',
    takeFront(graph, heard, 1, 1),
    graph.floats(className, [1, 1, width], classOffset),
  )
  const positions = graph.floats(patchName, [1, tokens - 1, width], table.slice(width))
  const placed = binary(graph, 'Add', dropFront(graph, heard, 1, 1), positions)
  const times = loader.tensor(`${prefix}btadapter_time_embed.weight`, [frames, width])
  const timed = binary(graph, 'Add', placed, unsqueeze(graph, firstRows(graph, times, heard, 0), 1))
  return join(graph, half(graph, classToken), timed, 1)
}

/** Attention over the frames at every patch position, added; the class token takes no part. */
async function attendThroughTime(blocks: Blocks, state: Value, names: string): Promise<Value> {
  const { graph, loader, config } = blocks
  const width = config.hiddenSize
  const patches = dropFront(graph, state, 1, 1)
  const byPatch = transpose(graph, patches, [1, 0, 2])
  const normed = await norm(blocks, flatRows(graph, byPatch), `${names}layer_norm1`)
  const [count, length] = [byPatch.dims[0]!, byPatch.dims[1]!]
  const attended = await attention(blocks, normed, `${names}self_attn`, { count, length })
  const gated = loader.linear(attended, `${names}temporal_fc`, { inputs: width, outputs: width })
  const back = transpose(graph, reshape(graph, gated, byPatch.dims), [1, 0, 2])
  return join(graph, takeFront(graph, state, 1, 1), binary(graph, 'Add', patches, back), 1)
}

/**
 * A CLIP layer on each frame. What attention gives the class token in each frame is averaged before it is added, so
 * the MLP already sees one class token for the clip.
 */
async function spatialLayer(blocks: Blocks, state: Value, names: string): Promise<Value> {
  const { graph } = blocks
  const [count, length] = [state.dims[0]!, state.dims[1]!]
  const normed = await norm(blocks, flatRows(graph, state), `${names}layer_norm1`)
  const attended = await attention(blocks, normed, `${names}self_attn`, { count, length })
  const shared = shareClassToken(graph, reshape(graph, attended, state.dims))
  const sum = binary(graph, 'Add', state, shared)
  return reshape(graph, await addMlp(blocks, flatRows(graph, sum), names), state.dims)
}

/** x [F, T, D] with each frame's class token replaced by the mean of all of them. */
function shareClassToken(graph: GraphBuilder, x: Value): Value {
  const mean = reduce(graph, 'ReduceMean', takeFront(graph, x, 1, 1), [0], true)
  return join(graph, repeatAs(graph, mean, x), dropFront(graph, x, 1, 1), 1)
}

function half(graph: GraphBuilder, x: Value): Value {
  return binary(graph, 'Mul', x, graph.floats('float32:0.5', [], Float32Array.of(0.5)))
}
