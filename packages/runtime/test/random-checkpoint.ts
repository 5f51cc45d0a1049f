import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Sizes of a made-up checkpoint; everything else is as small as it can be. */
export interface CheckpointSizes {
  readonly framesPerClip: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly hiddenSize: number
  readonly nominalLength: number
  /** Sides of a picture and of a patch, pixels. */
  readonly imageSize: number
  readonly patchSize: number
  /** Whether there is a text guide for pooling. */
  readonly guide: boolean
}

export type Json = Record<string, unknown>

/** A tensor of a safetensors file. */
interface MadeTensor {
  shape: number[]
  values: Float32Array
}

/** A checkpoint in memory: change what a test is about, then write it. */
export interface MadeCheckpoint {
  readonly config: Json & { vision_config: Json; text_config: Json }
  readonly files: Record<string, Json | string>
  readonly tensors: Map<string, MadeTensor>
}

const WORDS = [
  'what',
  'is',
  'the',
  'colour',
  'red',
  'blue',
  'green',
  'first',
  'last',
  'USER',
  'ASSISTANT',
  ':',
  '?',
  'a',
]
export const UNKNOWN_ID = 0
export const BOS_ID = 1
export const EOS_ID = 2
export const VIDEO_ID = 3
const SPECIALS = ['<unk>', '<s>', '</s>', '<video>']

const DEFAULT_SIZES: CheckpointSizes = {
  framesPerClip: 4,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  hiddenSize: 32,
  nominalLength: 128,
  imageSize: 16,
  patchSize: 8,
  guide: false,
}

const VISION = { width: 16, layers: 2, heads: 2, inner: 32 }
/** The text guide; so few positions that a question of a dozen words needs two segments. */
const GUIDE = { width: 16, layers: 2, heads: 2, inner: 32, shared: 8, positions: 12 }
const GUIDE_TOKENS = ['<unk>', '<begin>', ...WORDS, '<end>']
const INNER = 48

/** A random `video_llava` checkpoint with attention over time; equal seeds give equal weights. */
export function makeCheckpoint(sizes: Partial<CheckpointSizes> = {}, seed = 1): MadeCheckpoint {
  const all = { ...DEFAULT_SIZES, ...sizes }
  return {
    config: makeConfig(all),
    files: {
      'tokenizer.json': makeTokenizer(),
      'tokenizer_config.json': {
        bos_token: '<s>',
        eos_token: '</s>',
        unk_token: '<unk>',
        clean_up_tokenization_spaces: false,
      },
      'generation_config.json': { bos_token_id: BOS_ID, eos_token_id: EOS_ID },
      'preprocessor_config.json': {
        image_processor_type: 'VideoLlavaImageProcessor',
        size: { shortest_edge: all.imageSize },
        crop_size: { height: all.imageSize, width: all.imageSize },
      },
      ...(all.guide && guideFiles()),
    },
    tensors: makeTensors(all, seed),
  }
}

/** Writes a checkpoint into a new folder; `remove` deletes it. */
export async function writeCheckpoint(
  made: MadeCheckpoint,
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-checkpoint-'))
  const files: Record<string, Json | string> = { 'config.json': made.config, ...made.files }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  await writeFile(join(folder, 'model.safetensors'), toSafetensors(made.tensors))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

function vocabularySize(): number {
  return SPECIALS.length + WORDS.length
}

function makeConfig(sizes: CheckpointSizes): MadeCheckpoint['config'] {
  return {
    model_type: 'video_llava',
    video_token_index: VIDEO_ID,
    image_token_index: VIDEO_ID,
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_size: VISION.width,
      num_hidden_layers: VISION.layers,
      num_attention_heads: VISION.heads,
      intermediate_size: VISION.inner,
      image_size: sizes.imageSize,
      patch_size: sizes.patchSize,
      add_time_attn: true,
      num_frames: sizes.framesPerClip,
    },
    text_config: {
      model_type: 'llama',
      hidden_size: sizes.hiddenSize,
      num_hidden_layers: sizes.layers,
      num_attention_heads: sizes.heads,
      num_key_value_heads: sizes.kvHeads,
      head_dim: sizes.headDim,
      intermediate_size: INNER,
      vocab_size: vocabularySize(),
      max_position_embeddings: sizes.nominalLength,
      rms_norm_eps: 1e-5,
    },
  }
}

function makeTokenizer(): Json {
  const added = SPECIALS.map((content, id) => ({ ...addedToken(id), content }))
  const vocab = Object.fromEntries([...SPECIALS, ...WORDS].map((content, id) => [content, id]))
  return {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [BOS_ID], tokens: ['<s>'] } },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab, unk_token: '<unk>' },
  }
}

/** The guide's own folder, as CLIP's layout has it. */
function guideFiles(): Record<string, Json> {
  const [begin, end] = [1, GUIDE_TOKENS.length - 1]
  const special = (id: number) => {
    const token = GUIDE_TOKENS[id] ?? ''
    return { [token]: { id: token, ids: [id], tokens: [token] } }
  }
  const framed = (id: number) => ({ SpecialToken: { id: GUIDE_TOKENS[id], type_id: 0 } })
  return {
    'clip/config.json': {
      model_type: 'clip',
      projection_dim: GUIDE.shared,
      text_config: {
        model_type: 'clip_text_model',
        hidden_size: GUIDE.width,
        num_hidden_layers: GUIDE.layers,
        num_attention_heads: GUIDE.heads,
        intermediate_size: GUIDE.inner,
        vocab_size: GUIDE_TOKENS.length,
        bos_token_id: begin,
        eos_token_id: end,
      },
    },
    'clip/tokenizer.json': {
      version: '1.0',
      added_tokens: [begin, end].map((id) => ({ ...addedToken(id), content: GUIDE_TOKENS[id] })),
      normalizer: null,
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [framed(begin), { Sequence: { id: 'A', type_id: 0 } }, framed(end)],
        pair: [],
        special_tokens: { ...special(begin), ...special(end) },
      },
      decoder: null,
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(GUIDE_TOKENS.map((content, id) => [content, id])),
        unk_token: '<unk>',
      },
    },
  }
}

function addedToken(id: number) {
  return { id, special: true, normalized: false, lstrip: false, rstrip: false }
}

function makeTensors(sizes: CheckpointSizes, seed: number): Map<string, MadeTensor> {
  const tensors = new Map<string, MadeTensor>()
  const random = randomNumbers(seed)
  const add = (name: string, ...shape: number[]): void => {
    const norm = name.includes('norm') && name.endsWith('.weight')
    const count = shape.reduce((product, size) => product * size, 1)
    const values = Float32Array.from({ length: count }, () => (norm ? 1 + 0.1 * random() : 0.5 * random()))
    tensors.set(name, { shape, values })
  }
  const linear = (name: string, outputs: number, inputs: number): void => {
    add(`${name}.weight`, outputs, inputs)
    add(`${name}.bias`, outputs)
  }
  addTower(add, linear, sizes)
  linear('multi_modal_projector.linear_1', sizes.hiddenSize, VISION.width)
  linear('multi_modal_projector.linear_2', sizes.hiddenSize, sizes.hiddenSize)
  addDecoder(add, sizes)
  if (sizes.guide) addGuide(add, linear)
  return tensors
}

type Add = (name: string, ...shape: number[]) => void
type Linear = (name: string, outputs: number, inputs: number) => void

function addTower(add: Add, linear: Linear, sizes: CheckpointSizes): void {
  const { width, layers, inner } = VISION
  const { framesPerClip: frames, imageSize: side, patchSize: patch } = sizes
  const tower = 'video_tower.vision_model.'
  const norm = (name: string): void => {
    add(`${name}.weight`, width)
    add(`${name}.bias`, width)
  }
  add(`${tower}embeddings.class_embedding`, width)
  add(`${tower}embeddings.patch_embedding.weight`, width, 3, patch, patch)
  add(`${tower}embeddings.position_embedding.weight`, (side / patch) ** 2 + 1, width)
  norm(`${tower}pre_layrnorm`)
  norm(`${tower}post_layernorm`)
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${tower}encoder.layers.${layer}.`
    for (const name of ['layer_norm1', 'layer_norm2', 'temporal_layer_norm1']) norm(prefix + name)
    for (const block of ['self_attn', 'temporal_attn']) {
      for (const part of ['q', 'k', 'v', 'out']) linear(`${prefix}${block}.${part}_proj`, width, width)
    }
    linear(`${prefix}mlp.fc1`, inner, width)
    linear(`${prefix}mlp.fc2`, width, inner)
    add(`${prefix}temporal_embedding`, 1, frames, width)
  }
}

function addGuide(add: Add, linear: Linear): void {
  const { width, layers, inner, shared, positions } = GUIDE
  const projector = 'multi_modal_projector.'
  const text = `${projector}clip_text_model.`
  const norm = (name: string, size: number): void => {
    add(`${name}.weight`, size)
    add(`${name}.bias`, size)
  }
  add(`${text}embeddings.token_embedding.weight`, GUIDE_TOKENS.length, width)
  add(`${text}embeddings.position_embedding.weight`, positions, width)
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${text}encoder.layers.${layer}.`
    for (const name of ['layer_norm1', 'layer_norm2']) norm(prefix + name, width)
    for (const part of ['q', 'k', 'v', 'out']) linear(`${prefix}self_attn.${part}_proj`, width, width)
    linear(`${prefix}mlp.fc1`, inner, width)
    linear(`${prefix}mlp.fc2`, width, inner)
  }
  norm(`${text}final_layer_norm`, width)
  add(`${projector}clip_text_projection.weight`, shared, width)
  norm(`${projector}clip_visual_ln`, VISION.width)
  add(`${projector}clip_visual_projection.weight`, shared, VISION.width)
  add(`${projector}logit_scale`)
}

function addDecoder(add: Add, { layers, heads, kvHeads, headDim, hiddenSize }: CheckpointSizes): void {
  const model = 'language_model.model.'
  add(`${model}embed_tokens.weight`, vocabularySize(), hiddenSize)
  add(`${model}norm.weight`, hiddenSize)
  add('language_model.lm_head.weight', vocabularySize(), hiddenSize)
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${model}layers.${layer}.`
    add(`${prefix}input_layernorm.weight`, hiddenSize)
    add(`${prefix}post_attention_layernorm.weight`, hiddenSize)
    add(`${prefix}self_attn.q_proj.weight`, heads * headDim, hiddenSize)
    add(`${prefix}self_attn.k_proj.weight`, kvHeads * headDim, hiddenSize)
    add(`${prefix}self_attn.v_proj.weight`, kvHeads * headDim, hiddenSize)
    add(`${prefix}self_attn.o_proj.weight`, hiddenSize, heads * headDim)
    add(`${prefix}mlp.gate_proj.weight`, INNER, hiddenSize)
    add(`${prefix}mlp.up_proj.weight`, INNER, hiddenSize)
    add(`${prefix}mlp.down_proj.weight`, hiddenSize, INNER)
  }
}

/** The safetensors format: length of the header, header in JSON, data. */
function toSafetensors(tensors: ReadonlyMap<string, MadeTensor>): Uint8Array {
  const header: Json = {}
  let size = 0
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [size, size + values.byteLength] }
    size += values.byteLength
  }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + size)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  let offset = 8 + text.length
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset)
    offset += values.byteLength
  }
  return file
}

/** Numbers in [-1, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}
