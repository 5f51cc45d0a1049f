// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import type { VisionConfig } from '../src/index.js'
import {
  activations,
  addRows,
  attend,
  headOf,
  joinHeads,
  layerNorm,
  linear,
  type Rows,
  rowsOf,
} from './oracle.js'
import type { Held } from './random-weights.js'

export type Tensors = ReadonlyMap<string, Held>

type Shapes = Record<string, number[]>

export function normShapes(width: number, name: string): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] }
}

export function linearShapes(outputs: number, inputs: number, name: string): Shapes {
  return { [`${name}.weight`]: [outputs, inputs], [`${name}.bias`]: [outputs] }
}

export function attentionShapes(width: number, name: string): Shapes {
  const parts = ['q_proj', 'k_proj', 'v_proj', 'out_proj']
  return Object.assign({}, ...parts.map((part) => linearShapes(width, width, `${name}.${part}`)))
}

/** Names and shapes of an ordinary CLIP layer. */
export function blockShapes(width: number, inner: number, names: string): Shapes {
  return {
    ...attentionShapes(width, `${names}self_attn`),
    ...normShapes(width, `${names}layer_norm1`),
    ...normShapes(width, `${names}layer_norm2`),
    ...linearShapes(inner, width, `${names}mlp.fc1`),
    ...linearShapes(width, inner, `${names}mlp.fc2`),
  }
}

/** Names and shapes of a tower's tensors. */
export function visionShapes(config: VisionConfig, prefix: string): Record<string, number[]> {
  const { hiddenSize: width, intermediateSize: inner, patchSize, imageSize } = config
  const tokens = Math.floor(imageSize / patchSize) ** 2 + 1
  const shapes: Record<string, number[]> = {
    'embeddings.class_embedding': [width],
    'embeddings.patch_embedding.weight': [width, 3, patchSize, patchSize],
    'embeddings.position_embedding.weight': [tokens, width],
    ...normShapes(width, 'pre_layrnorm'),
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const names = `encoder.layers.${layer}.`
    Object.assign(shapes, blockShapes(width, inner, names))
    if (config.temporalFrames === 0) continue
    Object.assign(shapes, attentionShapes(width, `${names}temporal_attn`))
    Object.assign(shapes, normShapes(width, `${names}temporal_layer_norm1`))
    shapes[`${names}temporal_embedding`] = [1, config.temporalFrames, width]
  }
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]))
}

/** Features of pictures [F, 3, S, S], one frame at a time as far as the mathematics allows. */
export function visionOracle(
  config: VisionConfig,
  tensors: Tensors,
  prefix: string,
  pixels: Float32Array,
): Rows {
  const get: Get = (name) => tensors.get(prefix + name)!.data
  const { layers, featureLayer, temporalFrames } = config
  let frames = embedFrames(config, get, pixels)
  const count = featureLayer < 0 ? layers + 1 + featureLayer : featureLayer
  for (let layer = 0; layer < count; layer++) {
    const names = `encoder.layers.${layer}.`
    if (temporalFrames > 0) frames = throughTime(config, get, names, frames)
    frames = frames.map((frame) => spatialBlock(config, get, names, frame))
  }
  return frames.flatMap((frame) => (config.keepClassToken ? frame : frame.slice(1)))
}

export type Get = (name: string) => Float32Array

/** The stream before the first layer, frame by frame. */
export function embedFrames(config: VisionConfig, get: Get, pixels: Float32Array): Rows[] {
  const size = 3 * config.imageSize ** 2
  const frames = Array.from({ length: pixels.length / size }, (_, frame) =>
    embed(config, get, pixels.subarray(frame * size, (frame + 1) * size)),
  )
  const [weight, bias] = [get('pre_layrnorm.weight'), get('pre_layrnorm.bias')]
  return frames.map((frame) => layerNorm(frame, weight, bias, config.layerNormEpsilon))
}

function embed(config: VisionConfig, get: Get, pixels: Float32Array): Rows {
  const { imageSize: side, patchSize: patch, hiddenSize: width } = config
  const kernels = rowsOf(get('embeddings.patch_embedding.weight'), 3 * patch * patch)
  const positions = rowsOf(get('embeddings.position_embedding.weight'), width)
  const rows: Rows = [Array.from(get('embeddings.class_embedding'))]
  for (let top = 0; top + patch <= side; top += patch) {
    for (let left = 0; left + patch <= side; left += patch) {
      const window: number[] = []
      for (let channel = 0; channel < 3; channel++) {
        for (let y = top; y < top + patch; y++) {
          for (let x = left; x < left + patch; x++) window.push(pixels[(channel * side + y) * side + x]!)
        }
      }
      rows.push(kernels.map((kernel) => kernel.reduce((sum, weight, at) => sum + weight * window[at]!, 0)))
    }
  }
  return addRows(rows, positions)
}

function throughTime(config: VisionConfig, get: Get, names: string, frames: Rows[]): Rows[] {
  const { temporalFrames: slots, hiddenSize: width, layerNormEpsilon: epsilon } = config
  const embedding = rowsOf(get(`${names}temporal_embedding`), width)
  const moved = frames.map((frame, index) =>
    frame.map((row) => row.map((value, channel) => value + embedding[index % slots]![channel]!)),
  )
  const weight = get(`${names}temporal_layer_norm1.weight`)
  const bias = get(`${names}temporal_layer_norm1.bias`)
  for (let first = 0; first < moved.length; first += slots) {
    for (let token = 0; token < moved[0]!.length; token++) {
      const rows = Array.from({ length: slots }, (_, slot) => moved[first + slot]![token]!)
      const mixed = attention(config, get, `${names}temporal_attn`, layerNorm(rows, weight, bias, epsilon))
      for (const [slot, row] of addRows(rows, mixed).entries()) moved[first + slot]![token] = row
    }
  }
  return moved
}

/** What an oracle's CLIP block needs to know of a tower. */
export type BlockConfig = Pick<VisionConfig, 'hiddenSize' | 'heads' | 'activation' | 'layerNormEpsilon'>

/** Whether a row sees another, by their indices. */
export type Visible = (query: number, key: number) => boolean

/** An ordinary CLIP layer on rows that attend to each other. */
export function spatialBlock(
  config: BlockConfig,
  get: Get,
  names: string,
  frame: Rows,
  visible?: Visible,
): Rows {
  const normed = normRows(config, get, `${names}layer_norm1`, frame)
  const attended = addRows(frame, attention(config, get, `${names}self_attn`, normed, visible))
  return addRows(attended, mlp(config, get, names, normRows(config, get, `${names}layer_norm2`, attended)))
}

export function normRows(config: BlockConfig, get: Get, name: string, x: Rows): Rows {
  return layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), config.layerNormEpsilon)
}

export function mlp({ activation }: BlockConfig, get: Get, names: string, x: Rows): Rows {
  const wide = linear(x, get(`${names}mlp.fc1.weight`), get(`${names}mlp.fc1.bias`))
  const active = wide.map((row) => row.map(activations[activation]))
  return linear(active, get(`${names}mlp.fc2.weight`), get(`${names}mlp.fc2.bias`))
}

export function attention(config: BlockConfig, get: Get, names: string, x: Rows, visible?: Visible): Rows {
  const project = (part: string, rows: Rows) =>
    linear(rows, get(`${names}.${part}.weight`), get(`${names}.${part}.bias`))
  const size = config.hiddenSize / config.heads
  const [queries, keys, values] = [project('q_proj', x), project('k_proj', x), project('v_proj', x)]
  const heads = Array.from(
    { length: config.heads },
    (_, head) =>
      attend(headOf(queries, head, size), headOf(keys, head, size), headOf(values, head, size), visible)
        .output,
  )
  return project('out_proj', joinHeads(heads))
}
