/** Sizes of a tower of transformer layers. */
export interface TowerSizes {
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** Width of the MLP. */
  readonly inner: number
}

/** Sizes of a LLaVA-NeXT model with PPLLaVA's guide. */
export interface PoolingSizes {
  readonly vision: TowerSizes & { readonly patchSize: number; readonly imageSize: number }
  readonly text: TowerSizes
  /** Width of the space in which patches and question are compared. */
  readonly alignmentSize: number
  readonly decoder: TowerSizes & { readonly vocabularySize: number }
}

/**
 * The published model: CLIP ViT-L/14 at 336 pixels, its text tower, and Vicuna-7B.
 *
 * @remarks Source: config.json of `llava-hf/llava-v1.6-vicuna-7b-hf` and `openai/clip-vit-large-patch14-336`.
 */
export const PUBLISHED_SIZES: PoolingSizes = {
  vision: { width: 1024, layers: 24, heads: 16, inner: 4096, patchSize: 14, imageSize: 336 },
  text: { width: 768, layers: 12, heads: 12, inner: 3072 },
  alignmentSize: 768,
  decoder: { width: 4096, layers: 32, heads: 32, inner: 11_008, vocabularySize: 32_064 },
}

/** What one answer has to work on. */
export interface AnswerLoad {
  readonly frames: number
  /** Visual tokens in the context. */
  readonly visualTokens: number
  /** Other tokens of the prompt. */
  readonly textTokens: number
  readonly newTokens: number
  /** Tokens of the question as the guide sees it, where tokens are pooled by it. */
  readonly guideTokens?: number
}

/** Floating point operations of each part; a multiplication and an addition are two. */
export interface Operations {
  readonly encoder: number
  readonly projector: number
  /** Text tower, alignment of every patch, relevance and the weighted sums. */
  readonly guide: number
  readonly prefill: number
  readonly decode: number
  readonly total: number
}

/**
 * Counts the operations of matrix products and attention; norms, activations and softmax are left out.
 *
 * Dimensions: `P` patches of a frame, `L` tokens of the prompt, `D` decoder width, `M` its MLP.
 *
 * Encoder, each frame: its layers but the last, whose output is not used. Projector, each patch: two layers. Prefill,
 * each layer: `2·L·(4·D² + 3·D·M)` and causal attention `4·D·L·(L + 1)/2`. Decode: the same for one token on top of
 * all before it, and the head.
 */
export function countOperations(sizes: PoolingSizes, load: AnswerLoad): Operations {
  const parts = {
    encoder: load.frames * countEncoder(sizes),
    projector: load.frames * patchesOf(sizes) * countProjector(sizes),
    guide: load.guideTokens === undefined ? 0 : countGuide(sizes, load, load.guideTokens),
    prefill: countDecoder(sizes, 0, load.visualTokens + load.textTokens),
    decode: countDecode(sizes, load),
  }
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) }
}

/** Patches of one frame. */
export function patchesOf({ vision }: PoolingSizes): number {
  return (vision.imageSize / vision.patchSize) ** 2
}

function countEncoder(sizes: PoolingSizes): number {
  const { vision } = sizes
  const embedding = 2 * patchesOf(sizes) * 3 * vision.patchSize ** 2 * vision.width
  return embedding + (vision.layers - 1) * countLayer(vision, patchesOf(sizes) + 1)
}

/** One layer of a tower in which every token sees every other one. */
function countLayer({ width, inner }: TowerSizes, tokens: number): number {
  return 2 * tokens * (4 * width ** 2 + 2 * width * inner) + 4 * width * tokens ** 2
}

function countProjector({ vision, decoder }: PoolingSizes): number {
  return 2 * (vision.width * decoder.width + decoder.width ** 2)
}

function countGuide(sizes: PoolingSizes, { frames }: AnswerLoad, guideTokens: number): number {
  const { text, alignmentSize, vision, decoder } = sizes
  const patches = frames * patchesOf(sizes)
  const tower = text.layers * countLayer(text, guideTokens) + 2 * text.width * alignmentSize
  const alignment = 2 * patches * vision.width * alignmentSize
  const relevance = 2 * patches * alignmentSize
  const sums = 2 * patches * decoder.width
  return tower + alignment + relevance + sums
}

/** The decoder on `tokens` new tokens after `held` ones, with the head for the last. */
function countDecoder({ decoder }: PoolingSizes, held: number, tokens: number): number {
  const { width, inner, layers, vocabularySize } = decoder
  const matrices = 2 * tokens * (4 * width ** 2 + 3 * width * inner)
  const seen = tokens * held + (tokens * (tokens + 1)) / 2
  return layers * (matrices + 4 * width * seen) + 2 * width * vocabularySize
}

/** The first new token comes from the prefill. */
function countDecode(sizes: PoolingSizes, { visualTokens, textTokens, newTokens }: AnswerLoad): number {
  const prompt = visualTokens + textTokens
  let total = 0
  for (let token = 1; token < newTokens; token++) total += countDecoder(sizes, prompt + token - 1, 1)
  return total
}
