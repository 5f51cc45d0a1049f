import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillRandom } from './decode-model.js'
import { isRecord, parseJson } from './json.js'
import { type PoolingSizes, patchesOf, type TowerSizes } from './pooling-operations.js'

/** A random checkpoint in the published layout that comes with the repository; its tokenizers are taken. */
const TEMPLATE = fileURLToPath(new URL('../../../tests/data/parity/ppllava/', import.meta.url))
const TOKENIZERS = [
  'tokenizer.json',
  'tokenizer_config.json',
  'generation_config.json',
  'clip/tokenizer.json',
]
const END_TOKEN = 2
/** CLIP's own logit scale after training. */
const LOGIT_SCALE = Math.log(100)
/** Rows of CLIP's table of text positions. */
const TEXT_POSITIONS = 77

/** Writes a folder with random weights of the given sizes, the same at every call. */
export async function writeRandomPpllava(folder: string, sizes: PoolingSizes): Promise<void> {
  await mkdir(join(folder, 'clip'), { recursive: true })
  for (const name of TOKENIZERS) await copyFile(join(TEMPLATE, name), join(folder, name))
  const config = await readTemplate('config.json')
  const clip = await readTemplate('clip/config.json')
  const processor = await readTemplate('preprocessor_config.json')
  const side = sizes.vision.imageSize
  const changed = {
    'config.json': withSizes(config, sizes),
    'clip/config.json': withGuide(clip, sizes),
    'preprocessor_config.json': {
      ...processor,
      size: { shortest_edge: side },
      crop_size: { height: side, width: side },
    },
  }
  for (const [name, content] of Object.entries(changed)) {
    await writeFile(join(folder, name), JSON.stringify(content))
  }
  const words = vocabularyOf(clip)
  await writeFile(join(folder, 'model.safetensors'), toSafetensors(listTensors(sizes, words)))
}

type Json = Readonly<Record<string, unknown>>

async function readTemplate(name: string): Promise<Json> {
  const value = parseJson(await readFile(join(TEMPLATE, name)), name)
  return isRecord(value) ? value : {}
}

function part(config: Json, name: string): Json {
  const value = config[name]
  return isRecord(value) ? value : {}
}

function withSizes(config: Json, sizes: PoolingSizes): Json {
  const { vision, decoder } = sizes
  const grid = vision.imageSize / vision.patchSize
  const patches = { patch_size: vision.patchSize, image_size: vision.imageSize }
  const tower = { ...part(config, 'vision_config'), ...towerFields(vision), ...patches }
  const text = {
    ...part(config, 'text_config'),
    ...towerFields(decoder),
    num_key_value_heads: decoder.heads,
    max_position_embeddings: 4096,
    vocab_size: decoder.vocabularySize,
  }
  // An ordinary table of text positions is written, which the config asks to stretch.
  return { ...config, extend_clip: true, frame_shape: [grid, grid], vision_config: tower, text_config: text }
}

function withGuide(clip: Json, { text, alignmentSize }: PoolingSizes): Json {
  const tower = { ...part(clip, 'text_config'), ...towerFields(text), projection_dim: alignmentSize }
  return { ...clip, projection_dim: alignmentSize, text_config: tower }
}

function towerFields({ width, layers, heads, inner }: TowerSizes): Json {
  return {
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: inner,
  }
}

function vocabularyOf(clip: Json): number {
  return Number(part(clip, 'text_config').vocab_size)
}

type Shapes = Map<string, readonly number[]>

function listTensors(sizes: PoolingSizes, guideWords: number): Shapes {
  const { vision, text, decoder, alignmentSize } = sizes
  const shapes: Shapes = new Map()
  const tower = 'vision_tower.vision_model.'
  shapes.set(`${tower}embeddings.class_embedding`, [vision.width])
  shapes.set(`${tower}embeddings.patch_embedding.weight`, [
    vision.width,
    3,
    vision.patchSize,
    vision.patchSize,
  ])
  shapes.set(`${tower}embeddings.position_embedding.weight`, [patchesOf(sizes) + 1, vision.width])
  for (const name of ['pre_layrnorm', 'post_layernorm']) addAffine(shapes, tower + name, [vision.width])
  addClipLayers(shapes, tower, vision)
  addAffine(shapes, 'multi_modal_projector.linear_1', [decoder.width, vision.width])
  addAffine(shapes, 'multi_modal_projector.linear_2', [decoder.width, decoder.width])
  const guide = 'multi_modal_projector.clip_text_model.'
  shapes.set(`${guide}embeddings.token_embedding.weight`, [guideWords, text.width])
  shapes.set(`${guide}embeddings.position_embedding.weight`, [TEXT_POSITIONS, text.width])
  addClipLayers(shapes, guide, text)
  addAffine(shapes, `${guide}final_layer_norm`, [text.width])
  shapes.set('multi_modal_projector.clip_text_projection.weight', [alignmentSize, text.width])
  addAffine(shapes, 'multi_modal_projector.clip_visual_ln', [vision.width])
  shapes.set('multi_modal_projector.clip_visual_projection.weight', [alignmentSize, vision.width])
  shapes.set('multi_modal_projector.logit_scale', [])
  addDecoder(shapes, decoder)
  return shapes
}

/** A weight of that shape and a bias for each of its rows. */
function addAffine(shapes: Shapes, name: string, shape: readonly number[]): void {
  shapes.set(`${name}.weight`, shape)
  shapes.set(`${name}.bias`, shape.slice(0, 1))
}

function addClipLayers(shapes: Shapes, model: string, { width, layers, inner }: TowerSizes): void {
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${model}encoder.layers.${layer}.`
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      addAffine(shapes, `${prefix}self_attn.${name}`, [width, width])
    }
    for (const name of ['layer_norm1', 'layer_norm2']) addAffine(shapes, prefix + name, [width])
    addAffine(shapes, `${prefix}mlp.fc1`, [inner, width])
    addAffine(shapes, `${prefix}mlp.fc2`, [width, inner])
  }
}

function addDecoder(shapes: Shapes, { width, layers, inner, vocabularySize }: PoolingSizes['decoder']): void {
  const model = 'language_model.model.'
  shapes.set(`${model}embed_tokens.weight`, [vocabularySize, width])
  shapes.set(`${model}norm.weight`, [width])
  shapes.set('language_model.lm_head.weight', [vocabularySize, width])
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${model}layers.${layer}.`
    for (const name of ['q', 'k', 'v', 'o']) {
      shapes.set(`${prefix}self_attn.${name}_proj.weight`, [width, width])
    }
    for (const name of ['gate', 'up']) shapes.set(`${prefix}mlp.${name}_proj.weight`, [inner, width])
    shapes.set(`${prefix}mlp.down_proj.weight`, [width, inner])
    for (const name of ['input_layernorm', 'post_attention_layernorm']) {
      shapes.set(`${prefix}${name}.weight`, [width])
    }
  }
}

/** The safetensors format: length of the header, header in JSON, data. */
function toSafetensors(shapes: Shapes): Uint8Array {
  const header: Record<string, unknown> = {}
  let size = 0
  for (const [name, shape] of shapes) {
    const bytes = 4 * countOf(shape)
    header[name] = { dtype: 'F32', shape, data_offsets: [size, size + bytes] }
    size += bytes
  }
  const unpadded = JSON.stringify(header)
  const text = new TextEncoder().encode(unpadded.padEnd(Math.ceil(unpadded.length / 8) * 8))
  const file = new Uint8Array(8 + text.length + size)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  let offset = 8 + text.length
  for (const [index, [name, shape]] of [...shapes].entries()) {
    const values = new Float32Array(file.buffer, offset, countOf(shape))
    fillTensor(values, name, shape, index)
    offset += values.byteLength
  }
  return file
}

/** Sizes that keep activations near 1: matrices by what they add up, norms 1, biases small. */
function fillTensor(values: Float32Array, name: string, shape: readonly number[], seed: number): void {
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1)
  if (name.endsWith('logit_scale')) values.fill(LOGIT_SCALE)
  else if (shape.length === 1 && name.endsWith('.weight')) values.fill(1)
  else if (shape.length === 1) fillRandom(values, seed + 1, 0.02)
  else fillRandom(values, seed + 1, name.includes('embed') ? 1 : Math.sqrt(3 / inputs))
  // The end token's logit stays 0, below the largest of the others, so that answers have their full length.
  if (name.endsWith('lm_head.weight')) values.fill(0, END_TOKEN * inputs, (END_TOKEN + 1) * inputs)
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
