import type { DecoderConfig, VisionConfig } from '@longtake/kernels'

/** Shapes by name, in the order of writing. */
export type Shapes = Map<string, readonly number[]>

/** A weight of that shape and a bias for each of its rows. */
export function addAffine(shapes: Shapes, name: string, shape: readonly number[]): void {
  shapes.set(`${name}.weight`, shape)
  shapes.set(`${name}.bias`, shape.slice(0, 1))
}

/** A CLIP or SigLIP tower, LanguageBind's attention over time included where the config has it. */
export function addTower(shapes: Shapes, prefix: string, config: VisionConfig): void {
  const { hiddenSize: width, patchSize, imageSize, layers } = config
  const isSiglip = config.kind === 'siglip'
  const patches = Math.floor(imageSize / patchSize) ** 2
  const kernel = [width, 3, patchSize, patchSize]
  if (isSiglip) addAffine(shapes, `${prefix}embeddings.patch_embedding`, kernel)
  else {
    shapes.set(`${prefix}embeddings.class_embedding`, [width])
    shapes.set(`${prefix}embeddings.patch_embedding.weight`, kernel)
    addAffine(shapes, `${prefix}pre_layrnorm`, [width])
  }
  shapes.set(`${prefix}embeddings.position_embedding.weight`, [patches + (isSiglip ? 0 : 1), width])
  for (let layer = 0; layer < layers; layer++) addLayer(shapes, `${prefix}encoder.layers.${layer}.`, config)
  addAffine(shapes, `${prefix}post_layernorm`, [width])
}

function addLayer(shapes: Shapes, prefix: string, config: VisionConfig): void {
  const { hiddenSize: width, intermediateSize: inner, temporalFrames } = config
  const addAttention = (name: string): void => {
    for (const part of ['q', 'k', 'v', 'out']) {
      addAffine(shapes, `${prefix}${name}.${part}_proj`, [width, width])
    }
  }
  if (temporalFrames > 0) {
    shapes.set(`${prefix}temporal_embedding`, [1, temporalFrames, width])
    addAffine(shapes, `${prefix}temporal_layer_norm1`, [width])
    addAttention('temporal_attn')
  }
  for (const name of ['layer_norm1', 'layer_norm2']) addAffine(shapes, prefix + name, [width])
  addAttention('self_attn')
  addAffine(shapes, `${prefix}mlp.fc1`, [inner, width])
  addAffine(shapes, `${prefix}mlp.fc2`, [width, inner])
}

/** A Llama-like decoder; `head` is left out where it is tied to the embeddings. */
export function addDecoder(shapes: Shapes, model: string, head: string, config: DecoderConfig): void {
  const { hiddenSize: width, intermediateSize: inner, headDim, vocabularySize } = config
  const rows = { q: config.heads * headDim, k: config.kvHeads * headDim, v: config.kvHeads * headDim }
  shapes.set(`${model}embed_tokens.weight`, [vocabularySize, width])
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${model}layers.${layer}.`
    for (const [part, outputs] of Object.entries(rows)) {
      shapes.set(`${prefix}self_attn.${part}_proj.weight`, [outputs, width])
      if (config.qkvBias) shapes.set(`${prefix}self_attn.${part}_proj.bias`, [outputs])
    }
    shapes.set(`${prefix}self_attn.o_proj.weight`, [width, rows.q])
    for (const part of ['gate', 'up']) shapes.set(`${prefix}mlp.${part}_proj.weight`, [inner, width])
    shapes.set(`${prefix}mlp.down_proj.weight`, [width, inner])
    for (const name of ['input_layernorm', 'post_attention_layernorm']) {
      shapes.set(`${prefix}${name}.weight`, [width])
    }
  }
  shapes.set(`${model}norm.weight`, [width])
  if (!config.tiedHead) shapes.set(head, [vocabularySize, width])
}
