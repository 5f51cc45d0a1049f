// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import type { VisionConfig } from '../src/index.js'
import { addRows, linear, type Rows, rowsOf } from './oracle.js'
import {
  attention,
  attentionShapes,
  type BlockConfig,
  blockShapes,
  embedFrames,
  type Get,
  linearShapes,
  mlp,
  normRows,
  normShapes,
  spatialBlock,
  type Tensors,
  visionShapes,
} from './vision-oracle.js'

/** A vision tower that has the branch. */
export type AdapterConfig = VisionConfig & Required<Pick<VisionConfig, 'btAdapter'>>

/** Names and shapes of the tensors of a tower with its branch. */
export function adapterShapes(config: AdapterConfig, prefix: string): Record<string, number[]> {
  const { hiddenSize: width, intermediateSize: inner, btAdapter } = config
  const shapes = visionShapes(config, prefix)
  shapes[`${prefix}btadapter_time_embed.weight`] = [btAdapter.frames, width]
  shapes[`${prefix}btadapter_cls_token`] = [1, 1, width]
  for (let layer = 0; layer < btAdapter.depth; layer++) {
    const time = `${prefix}btadapter_T_layers.${layer}.`
    Object.assign(shapes, attentionShapes(width, `${time}self_attn`))
    Object.assign(shapes, normShapes(width, `${time}layer_norm1`))
    Object.assign(shapes, linearShapes(width, width, `${time}temporal_fc`))
    Object.assign(shapes, blockShapes(width, inner, `${prefix}btadapter_S_layers.${layer}.`))
  }
  return shapes
}

/** The branch's state: one class token for the clip, and patches by frame. */
interface Branch {
  readonly classToken: number[]
  readonly patches: Rows[]
}

/** Features of one clip [F, 3, S, S], token by token, with one class token where the mathematics has one. */
export function adapterOracle(
  config: AdapterConfig,
  tensors: Tensors,
  prefix: string,
  pixels: Float32Array,
): Rows {
  const get: Get = (name) => tensors.get(prefix + name)!.data
  const { layers, featureLayer, btAdapter } = config
  const count = featureLayer < 0 ? layers + 1 + featureLayer : featureLayer
  let frames = embedFrames(config, get, pixels)
  let branch: Branch | undefined
  for (let layer = 0; layer < count; layer++) {
    frames = frames.map((frame) => spatialBlock(config, get, `encoder.layers.${layer}.`, frame))
    const own = layer - (layers - btAdapter.depth)
    if (own < 0) continue
    const input: Branch =
      branch === undefined ? firstInput(config, get, frames) : listen(branch, trunkOf(frames))
    branch = branchLayer({ ...config, layerNormEpsilon: 1e-5 }, get, own, input)
  }
  const mixed = frames.map((frame, index) =>
    frame.map((row, token) =>
      token === 0 || branch === undefined ? row : meanRow([row, branch.patches[index]![token - 1]!]),
    ),
  )
  return mixed.flatMap((frame) => (config.keepClassToken ? frame : frame.slice(1)))
}

function trunkOf(frames: readonly Rows[]): Branch {
  return {
    classToken: meanRow(frames.map((frame) => frame[0]!)),
    patches: frames.map((frame) => frame.slice(1)),
  }
}

function firstInput({ hiddenSize }: AdapterConfig, get: Get, frames: readonly Rows[]): Branch {
  const [first, ...positions] = rowsOf(get('embeddings.position_embedding.weight'), hiddenSize)
  const times = rowsOf(get('btadapter_time_embed.weight'), hiddenSize)
  const trunk = trunkOf(frames)
  const own = get('btadapter_cls_token')
  return {
    classToken: trunk.classToken.map((value, channel) => (value + own[channel]! + first![channel]!) / 2),
    patches: trunk.patches.map((patches, time) =>
      patches.map((row, patch) =>
        row.map((value, channel) => value + positions[patch]![channel]! + times[time]![channel]!),
      ),
    ),
  }
}

function listen(branch: Branch, trunk: Branch): Branch {
  return {
    classToken: addRows([branch.classToken], [trunk.classToken])[0]!,
    patches: branch.patches.map((patches, time) => addRows(patches, trunk.patches[time]!)),
  }
}

function branchLayer(config: BlockConfig, get: Get, layer: number, input: Branch): Branch {
  const patches = throughTime(config, get, `btadapter_T_layers.${layer}.`, input.patches)
  const names = `btadapter_S_layers.${layer}.`
  const attended = patches.map((frame) => {
    const normed = normRows(config, get, `${names}layer_norm1`, [input.classToken, ...frame])
    return attention(config, get, `${names}self_attn`, normed)
  })
  const ofClass = meanRow(attended.map((frame) => frame[0]!))
  const withMlp = (rows: Rows) =>
    addRows(rows, mlp(config, get, names, normRows(config, get, `${names}layer_norm2`, rows)))
  return {
    classToken: withMlp(addRows([input.classToken], [ofClass]))[0]!,
    patches: patches.map((frame, time) => withMlp(addRows(frame, attended[time]!.slice(1)))),
  }
}

/** Attention over the frames, one patch position at a time. */
function throughTime(config: BlockConfig, get: Get, names: string, frames: readonly Rows[]): Rows[] {
  const moved = frames.map((frame) => [...frame])
  for (let patch = 0; patch < frames[0]!.length; patch++) {
    const rows = frames.map((frame) => frame[patch]!)
    const normed = normRows(config, get, `${names}layer_norm1`, rows)
    const attended = attention(config, get, `${names}self_attn`, normed)
    const weighed = linear(attended, get(`${names}temporal_fc.weight`), get(`${names}temporal_fc.bias`))
    for (const [time, row] of addRows(rows, weighed).entries()) moved[time]![patch] = row
  }
  return moved
}

function meanRow(rows: Rows): number[] {
  return rows[0]!.map((_, channel) => rows.reduce((sum, row) => sum + row[channel]!, 0) / rows.length)
}
