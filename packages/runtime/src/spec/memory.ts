import { DEFAULT_KV_CACHE_BYTES, kvCacheBytes, type VideoPlan } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { BUILD_BYTES } from '../builds/weight-store.js'
import type { ModelSizes, PartSizes } from './sizes.js'

/** What of a plan memory depends on. */
export type PlannedSizes = Pick<VideoPlan, 'frames' | 'visualTokens' | 'contextTokens' | 'maxNewTokens'> &
  Pick<VideoPlan, 'kvCache' | 'prefillChunk' | 'pooling'>

export interface MemoryOptions {
  /** As given to `load`; default `fp32`. */
  readonly weights?: WeightType | undefined
  /** As given to `watch`: most bytes of the KV cache. */
  readonly memoryBudgetBytes?: number | undefined
}

/** Bytes that a process takes for one video, estimated. */
export interface MemoryEstimate {
  /** What `load` holds: fp32 matrices twice, because ONNX Runtime adds a copy in the order that it multiplies in. */
  readonly weights: number
  /** While answering. */
  readonly kvCache: number
  /** The program itself, pictures, activations, attention scores, tables and embeddings. */
  readonly working: number
  /** The three together. */
  readonly answering: number
  /** The most at any time: a quantised KV cache is filled in fp32 first, where the budget (or 5 GiB) holds both at once. */
  readonly peak: number
}

const FLOAT_BYTES = 4
/** Node, ONNX Runtime and FFmpeg before any weight is read. */
const PROGRAM_BYTES = 160 * 2 ** 20
/** As the engine has them: pixels of a group, and frames of one run of the encoder. */
const GROUP_BYTES = 64 * 2 ** 20
const BATCH_FRAMES = 16

/**
 * Estimates the memory of watching a video by a plan and answering questions about it.
 *
 * The KV cache is counted exactly, weights by their storage; the rest follows from the largest arrays of one step of the
 * encoder and of one step of prefill. How far it was off is in the package's README.
 */
export function estimateMemory(
  sizes: ModelSizes,
  plan: PlannedSizes,
  { weights: type = 'fp32', memoryBudgetBytes }: MemoryOptions = {},
): MemoryEstimate {
  const weights = heldBytes(sizes.weightBytes[type], type)
  const working = PROGRAM_BYTES + encodingBytes(sizes, plan) + contextBytes(sizes, plan)
  const kvCache = plan.kvCache.bytes
  const peak = weights + working + kvCache + fillingBytes(sizes, plan, memoryBudgetBytes)
  return { weights, kvCache, working, answering: weights + working + kvCache, peak }
}

/** Rows of the embedding table are read when they are needed; few weights are held by each decoder graph for itself. */
function heldBytes({ total, decoder, embedding }: PartSizes, type: WeightType): number {
  const stored = total - embedding
  // Graphs share weights that are prepared on disk.
  const copied = stored > BUILD_BYTES ? stored : stored + decoder
  return copied * (type === 'fp32' ? 2 : 1)
}

/** Pictures, and the largest arrays of one run of the tower. */
function encodingBytes({ spec, working }: ModelSizes, { frames }: PlannedSizes): number {
  const { hiddenSize, intermediateSize, heads, tokens, framesPerClip } = working.vision
  const pixels = Math.min(frames * 3 * spec.encoder.imageSize ** 2 * FLOAT_BYTES, GROUP_BYTES)
  const batch = Math.min(frames, Math.max(framesPerClip, BATCH_FRAMES))
  const scores = heads * tokens * tokens
  const activations = tokens * (2 * intermediateSize + 6 * hiddenSize)
  return pixels + batch * (scores + activations) * FLOAT_BYTES
}

/** Embeddings of the context, tables, and the largest arrays of one step of prefill. */
function contextBytes({ spec, working }: ModelSizes, plan: PlannedSizes): number {
  const { hiddenSize, headDim, vocabularySize } = spec.decoder
  const { heads, intermediateSize } = working.decoder
  const { visualTokens, contextTokens, prefillChunk } = plan
  const chunk = Math.min(prefillChunk, contextTokens)
  const scores = heads * chunk * contextTokens
  const activations = chunk * (3 * intermediateSize + 6 * hiddenSize)
  const features = featureFloats(spec, working.alignmentSize, plan)
  const kept = visualTokens * hiddenSize + contextTokens * headDim + 2 * vocabularySize
  return (scores + activations + features + kept) * FLOAT_BYTES
}

/** Features wait in memory up to as many bytes as a group of pictures, and in a file beyond. */
function featureFloats(
  { encoder, decoder }: ModelSizes['spec'],
  alignmentSize: number,
  { frames, pooling }: PlannedSizes,
): number {
  if (pooling === null) return 0
  const shared = pooling.method === 'guided' ? alignmentSize : 0
  const floats = frames * encoder.grid[0] * encoder.grid[1] * (decoder.hiddenSize + shared)
  return Math.min(floats, GROUP_BYTES / FLOAT_BYTES)
}

/** The fp32 cache that a quantised one is made of. */
function fillingBytes(
  { spec }: ModelSizes,
  { kvCache, contextTokens, maxNewTokens, prefillChunk }: PlannedSizes,
  budget: number | undefined,
): number {
  if (kvCache.type === 'fp32') return 0
  const tokens = contextTokens - maxNewTokens
  const whole = kvCacheBytes(spec.decoder, tokens, 'fp32')
  if (whole + kvCache.bytes <= (budget ?? DEFAULT_KV_CACHE_BYTES)) return whole
  return kvCacheBytes(spec.decoder, Math.min(tokens, prefillChunk), 'fp32')
}
