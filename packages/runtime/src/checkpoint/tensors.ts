import { CheckpointError } from '@longtake/core'
import type { DecoderConfig, TensorSource, VisionConfig } from '@longtake/kernels'

/** Shape of each tensor by name; null = any shape, for buffers that nothing reads. */
export type TensorShapes = Map<string, readonly number[] | null>

/** Tensors that a checkpoint must have, and those that it may have. */
export interface TensorInventory {
  readonly required: TensorShapes
  readonly optional: TensorShapes
}

/** What to do about weights that are not those of the config. */
const COMPLETE =
  'Either a weight file is missing, or config.json is of another checkpoint; download both again.'

const FLOAT_TYPES: readonly string[] = ['F64', 'F32', 'F16', 'BF16']
/** Names repeated in one message: enough to recognise a layout, few enough to read. */
const MAX_NAMED = 4

/**
 * Compares a checkpoint's tensors with what its config declares.
 *
 * @throws {CheckpointError} `CHECKPOINT_TENSOR`, naming the tensors that are missing or not expected, or the first
 *   one that is misshapen or not of a float type, with the shape expected and found.
 */
export function checkTensors(source: TensorSource, inventory: TensorInventory): void {
  const missing = [...inventory.required.keys()].filter((name) => !source.has(name))
  if (missing.length > 0) throw wrong(`Tensors are missing: ${listNames(missing)}. ${COMPLETE}`)
  const extra: string[] = []
  for (const name of source.names()) {
    const shape = inventory.required.get(name) ?? inventory.optional.get(name)
    if (shape === undefined) extra.push(name)
    else if (shape !== null) checkTensor(source, name, shape)
  }
  if (extra.length > 0) throw wrong(`Tensors are not expected by config.json: ${listNames(extra)}.`)
}

/** What SigLIP's pooling head consists of; no hidden state passes through it. */
const SIGLIP_HEAD: readonly string[] = [
  ...['probe', 'attention.in_proj_weight', 'attention.in_proj_bias'],
  ...['attention.out_proj', 'layernorm', 'mlp.fc1', 'mlp.fc2'].flatMap((part) => [
    `${part}.weight`,
    `${part}.bias`,
  ]),
]

/** The first prefix under which a checkpoint has `suffix`; the first of all when it has none. */
export function findPrefix(
  source: TensorSource,
  prefixes: readonly [string, ...string[]],
  suffix: string,
): string {
  return prefixes.find((prefix) => source.has(prefix + suffix)) ?? prefixes[0]
}

/** Tensors of a CLIP tower under `prefix`. Layers behind the selected one, and the last norm, are optional. */
export function visionTensors(config: VisionConfig, prefix: string): TensorInventory {
  const width = config.hiddenSize
  const required: TensorShapes = new Map()
  const optional: TensorShapes = new Map([[`${prefix}embeddings.position_ids`, null]])
  required.set(`${prefix}embeddings.class_embedding`, [width])
  required.set(`${prefix}embeddings.patch_embedding.weight`, [width, 3, config.patchSize, config.patchSize])
  required.set(`${prefix}embeddings.position_embedding.weight`, [
    Math.floor(config.imageSize / config.patchSize) ** 2 + 1,
    width,
  ])
  addNorm(required, `${prefix}pre_layrnorm`, width)
  addNorm(optional, `${prefix}post_layernorm`, width)
  const used = usedLayers(config)
  for (let layer = 0; layer < config.layers; layer++) {
    addVisionLayer(layer < used ? required : optional, `${prefix}encoder.layers.${layer}.`, config)
  }
  return { required, optional }
}

/** Tensors of a SigLIP tower under `prefix`. Layers behind the selected one, last norm and head are optional. */
export function siglipTensors(config: VisionConfig, prefix: string): TensorInventory {
  const { hiddenSize: width, patchSize, imageSize } = config
  const required: TensorShapes = new Map()
  const optional: TensorShapes = new Map([[`${prefix}embeddings.position_ids`, null]])
  required.set(`${prefix}embeddings.patch_embedding.weight`, [width, 3, patchSize, patchSize])
  required.set(`${prefix}embeddings.patch_embedding.bias`, [width])
  required.set(`${prefix}embeddings.position_embedding.weight`, [
    Math.floor(imageSize / patchSize) ** 2,
    width,
  ])
  addNorm(optional, `${prefix}post_layernorm`, width)
  for (const name of SIGLIP_HEAD) optional.set(`${prefix}head.${name}`, null)
  const used = usedLayers(config)
  for (let layer = 0; layer < config.layers; layer++) {
    addVisionLayer(layer < used ? required : optional, `${prefix}encoder.layers.${layer}.`, config)
  }
  return { required, optional }
}

/** Tensors of the temporal branch beside a tower under `prefix`; none where there is no branch. */
export function btAdapterTensors(config: VisionConfig, prefix: string): TensorInventory {
  const required: TensorShapes = new Map()
  const optional: TensorShapes = new Map()
  const { btAdapter, hiddenSize: width } = config
  if (btAdapter === undefined) return { required, optional }
  const used = usedLayers(config) - (config.layers - btAdapter.depth)
  const ends = used > 0 ? required : optional
  ends.set(`${prefix}btadapter_time_embed.weight`, [btAdapter.frames, width])
  ends.set(`${prefix}btadapter_cls_token`, [1, 1, width])
  for (let layer = 0; layer < btAdapter.depth; layer++) {
    const shapes = layer < used ? required : optional
    const temporal = `${prefix}btadapter_T_layers.${layer}.`
    addNorm(shapes, `${temporal}layer_norm1`, width)
    addAttention(shapes, `${temporal}self_attn`, width)
    addLinear(shapes, `${temporal}temporal_fc`, width, width)
    addClipLayer(shapes, `${prefix}btadapter_S_layers.${layer}.`, config)
  }
  return { required, optional }
}

function usedLayers({ featureLayer, layers }: VisionConfig): number {
  return featureLayer < 0 ? layers + 1 + featureLayer : featureLayer
}

/** Tensors of one layer of a CLIP tower, of pictures or of text, under `prefix`. */
export function addClipLayer(
  shapes: TensorShapes,
  prefix: string,
  { hiddenSize: width, intermediateSize }: { hiddenSize: number; intermediateSize: number },
): void {
  addNorm(shapes, `${prefix}layer_norm1`, width)
  addNorm(shapes, `${prefix}layer_norm2`, width)
  addLinear(shapes, `${prefix}mlp.fc1`, intermediateSize, width)
  addLinear(shapes, `${prefix}mlp.fc2`, width, intermediateSize)
  addAttention(shapes, `${prefix}self_attn`, width)
}

function addAttention(shapes: TensorShapes, name: string, width: number): void {
  for (const part of ['q', 'k', 'v', 'out']) addLinear(shapes, `${name}.${part}_proj`, width, width)
}

function addVisionLayer(shapes: TensorShapes, prefix: string, config: VisionConfig): void {
  const width = config.hiddenSize
  addClipLayer(shapes, prefix, config)
  if (config.temporalFrames === 0) return
  shapes.set(`${prefix}temporal_embedding`, [1, config.temporalFrames, width])
  addNorm(shapes, `${prefix}temporal_layer_norm1`, width)
  addAttention(shapes, `${prefix}temporal_attn`, width)
}

/** Tensors of a two-layer projector. */
export function projectorTensors(
  layers: readonly [string, string],
  input: number,
  output: number,
): TensorInventory {
  const required: TensorShapes = new Map()
  addLinear(required, layers[0], output, input)
  addLinear(required, layers[1], output, output)
  return { required, optional: new Map() }
}

/** Tensors of a Llama or Qwen2 decoder; `model` and `head` as in `DecoderNames` of `@longtake/kernels`. */
export function decoderTensors(config: DecoderConfig, model: string, head: string): TensorInventory {
  const { hiddenSize: width, headDim, intermediateSize } = config
  const required: TensorShapes = new Map()
  // Rotary frequencies that some exports keep; they follow from the config.
  const optional: TensorShapes = new Map([[`${model}rotary_emb.inv_freq`, null]])
  required.set(`${model}embed_tokens.weight`, [config.vocabularySize, width])
  required.set(`${model}norm.weight`, [width])
  // A tied head may be stored all the same; the embedding table is what counts then.
  ;(config.tiedHead ? optional : required).set(head, [config.vocabularySize, width])
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${model}layers.${layer}.`
    required.set(`${prefix}input_layernorm.weight`, [width])
    required.set(`${prefix}post_attention_layernorm.weight`, [width])
    required.set(`${prefix}self_attn.q_proj.weight`, [config.heads * headDim, width])
    required.set(`${prefix}self_attn.k_proj.weight`, [config.kvHeads * headDim, width])
    required.set(`${prefix}self_attn.v_proj.weight`, [config.kvHeads * headDim, width])
    required.set(`${prefix}self_attn.o_proj.weight`, [width, config.heads * headDim])
    required.set(`${prefix}mlp.gate_proj.weight`, [intermediateSize, width])
    required.set(`${prefix}mlp.up_proj.weight`, [intermediateSize, width])
    required.set(`${prefix}mlp.down_proj.weight`, [width, intermediateSize])
    addBiases(required, prefix, config)
    optional.set(`${prefix}self_attn.rotary_emb.inv_freq`, null)
  }
  return { required, optional }
}

function addBiases(shapes: TensorShapes, layer: string, config: DecoderConfig): void {
  const { hiddenSize, headDim, intermediateSize } = config
  if (config.qkvBias) {
    shapes.set(`${layer}self_attn.q_proj.bias`, [config.heads * headDim])
    shapes.set(`${layer}self_attn.k_proj.bias`, [config.kvHeads * headDim])
    shapes.set(`${layer}self_attn.v_proj.bias`, [config.kvHeads * headDim])
  }
  if (config.outputBias === true) shapes.set(`${layer}self_attn.o_proj.bias`, [hiddenSize])
  if (config.mlpBias !== true) return
  shapes.set(`${layer}mlp.gate_proj.bias`, [intermediateSize])
  shapes.set(`${layer}mlp.up_proj.bias`, [intermediateSize])
  shapes.set(`${layer}mlp.down_proj.bias`, [hiddenSize])
}

/** Joins inventories; what one requires stays required. */
export function joinInventories(...parts: readonly TensorInventory[]): TensorInventory {
  return {
    required: new Map(parts.flatMap((part) => [...part.required])),
    optional: new Map(parts.flatMap((part) => [...part.optional])),
  }
}

/** The same tensors, none of them required. */
export function asOptional({ required, optional }: TensorInventory): TensorInventory {
  return { required: new Map(), optional: new Map([...required, ...optional]) }
}

export function addNorm(shapes: TensorShapes, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width])
  shapes.set(`${name}.bias`, [width])
}

function addLinear(shapes: TensorShapes, name: string, outputs: number, inputs: number): void {
  shapes.set(`${name}.weight`, [outputs, inputs])
  shapes.set(`${name}.bias`, [outputs])
}

function checkTensor(source: TensorSource, name: string, expected: readonly number[]): void {
  const { dtype, shape, fileName } = source.info(name)
  const where = fileName === undefined ? '' : ` in ${fileName}`
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    throw wrong(
      `Tensor ${name}${where}: config.json asks for shape [${expected.join(', ')}], found [${shape.join(', ')}].`,
    )
  }
  if (!FLOAT_TYPES.includes(dtype)) {
    throw wrong(`Tensor ${name}${where}: expected one of ${FLOAT_TYPES.join(', ')}, found ${dtype}.`)
  }
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ')
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown
}

function wrong(message: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_TENSOR', message)
}
