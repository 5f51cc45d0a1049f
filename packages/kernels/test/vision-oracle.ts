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

type Tensors = ReadonlyMap<string, Held>

/** Names and shapes of a tower's tensors. */
export function visionShapes(config: VisionConfig, prefix: string): Record<string, number[]> {
  const { hiddenSize: width, intermediateSize: inner, patchSize, imageSize } = config
  const tokens = (imageSize / patchSize) ** 2 + 1
  const shapes: Record<string, number[]> = {
    'embeddings.class_embedding': [width],
    'embeddings.patch_embedding.weight': [width, 3, patchSize, patchSize],
    'embeddings.position_embedding.weight': [tokens, width],
    'pre_layrnorm.weight': [width],
    'pre_layrnorm.bias': [width],
  }
  const attention = (name: string) => {
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      shapes[`${name}.${part}.weight`] = [width, width]
      shapes[`${name}.${part}.bias`] = [width]
    }
  }
  for (let layer = 0; layer < config.layers; layer++) {
    const names = `encoder.layers.${layer}.`
    const norms = ['layer_norm1', 'layer_norm2']
    attention(`${names}self_attn`)
    if (config.temporalFrames > 0) {
      norms.push('temporal_layer_norm1')
      attention(`${names}temporal_attn`)
      shapes[`${names}temporal_embedding`] = [1, config.temporalFrames, width]
    }
    for (const norm of norms) {
      shapes[`${names}${norm}.weight`] = [width]
      shapes[`${names}${norm}.bias`] = [width]
    }
    shapes[`${names}mlp.fc1.weight`] = [inner, width]
    shapes[`${names}mlp.fc1.bias`] = [inner]
    shapes[`${names}mlp.fc2.weight`] = [width, inner]
    shapes[`${names}mlp.fc2.bias`] = [width]
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
  const get = (name: string) => tensors.get(prefix + name)!.data
  const { imageSize: side, layerNormEpsilon: epsilon, layers, featureLayer, temporalFrames } = config
  const pixelsPerFrame = 3 * side * side
  let frames = Array.from({ length: pixels.length / pixelsPerFrame }, (_, frame) =>
    embed(config, get, pixels.subarray(frame * pixelsPerFrame, (frame + 1) * pixelsPerFrame)),
  )
  frames = frames.map((frame) =>
    layerNorm(frame, get('pre_layrnorm.weight'), get('pre_layrnorm.bias'), epsilon),
  )
  const count = featureLayer < 0 ? layers + 1 + featureLayer : featureLayer
  for (let layer = 0; layer < count; layer++) {
    const names = `encoder.layers.${layer}.`
    if (temporalFrames > 0) frames = throughTime(config, get, names, frames)
    frames = frames.map((frame) => spatialBlock(config, get, names, frame))
  }
  return frames.flatMap((frame) => (config.keepClassToken ? frame : frame.slice(1)))
}

type Get = (name: string) => Float32Array

function embed(config: VisionConfig, get: Get, pixels: Float32Array): Rows {
  const { imageSize: side, patchSize: patch, hiddenSize: width } = config
  const kernels = rowsOf(get('embeddings.patch_embedding.weight'), 3 * patch * patch)
  const positions = rowsOf(get('embeddings.position_embedding.weight'), width)
  const rows: Rows = [Array.from(get('embeddings.class_embedding'))]
  for (let top = 0; top < side; top += patch) {
    for (let left = 0; left < side; left += patch) {
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

function spatialBlock(config: VisionConfig, get: Get, names: string, frame: Rows): Rows {
  const norm = (x: Rows, name: string) =>
    layerNorm(x, get(`${names}${name}.weight`), get(`${names}${name}.bias`), config.layerNormEpsilon)
  const attended = addRows(frame, attention(config, get, `${names}self_attn`, norm(frame, 'layer_norm1')))
  const wide = linear(
    norm(attended, 'layer_norm2'),
    get(`${names}mlp.fc1.weight`),
    get(`${names}mlp.fc1.bias`),
  )
  const active = wide.map((row) => row.map(activations[config.activation]))
  return addRows(attended, linear(active, get(`${names}mlp.fc2.weight`), get(`${names}mlp.fc2.bias`)))
}

function attention(config: VisionConfig, get: Get, names: string, x: Rows): Rows {
  const project = (part: string, rows: Rows) =>
    linear(rows, get(`${names}.${part}.weight`), get(`${names}.${part}.bias`))
  const size = config.hiddenSize / config.heads
  const [queries, keys, values] = [project('q_proj', x), project('k_proj', x), project('v_proj', x)]
  const heads = Array.from(
    { length: config.heads },
    (_, head) =>
      attend(headOf(queries, head, size), headOf(keys, head, size), headOf(values, head, size)).output,
  )
  return project('out_proj', joinHeads(heads))
}
