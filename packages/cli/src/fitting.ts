import { InvalidOptionError, type KvCacheType, planVideo, type VideoFacts } from '@longtake/core'
import { estimateMemory, type ModelSizes } from '@longtake/runtime'
import type { Machine } from './machine.js'
import { preparedBytes, usableMemory, WEIGHTS } from './resources.js'

/** Frames that are tried: what encoders were trained on, and what long videos need. */
export const FRAMES = [8, 32, 64, 256] as const

const KV_TYPES = ['fp32', 'int8', 'int4'] as const

/** Ten minutes; nothing else of a video has a part in how much memory so many frames take. */
const VIDEO: VideoFacts = {
  startSeconds: 0,
  durationSeconds: 600,
  frameCount: 15_000,
  framesPerSecond: 25,
  keyframeIntervalSeconds: 2,
  width: 1280,
  height: 720,
  codec: 'avc',
}

/** The way of watching so many frames that a machine has memory for. */
export interface FittingPlan {
  readonly frames: number
  /** The most precise that fits; null where none does. */
  readonly kvCache: KvCacheType | null
  /** Most memory, estimated, bytes; with int4 where nothing fits. */
  readonly memory: number
}

/** What fits with one storage of the weights. */
export interface FittingStorage {
  readonly weights: (typeof WEIGHTS)[number]
  /** Bytes of the weights in it. */
  readonly bytes: number
  readonly plans: readonly FittingPlan[]
}

/** What of a model a machine has memory for, by storage of its weights and by frames. */
export function fitModel(model: ModelSizes, machine: Machine): FittingStorage[] {
  return WEIGHTS.map((weights) => ({
    weights,
    bytes: preparedBytes(model, weights),
    plans: FRAMES.map((frames) => fitFrames(model, weights, frames, usableMemory(machine))),
  }))
}

function fitFrames(
  model: ModelSizes,
  weights: (typeof WEIGHTS)[number],
  frames: number,
  usable: number,
): FittingPlan {
  let memory = Number.POSITIVE_INFINITY
  for (const kvCache of KV_TYPES) {
    memory = peakWith(model, weights, frames, kvCache)
    if (memory <= usable) return { frames, kvCache, memory }
  }
  return { frames, kvCache: null, memory }
}

/** With a budget of the cache's own size, so that a quantised one is not made of a whole one in fp32. */
function peakWith(
  model: ModelSizes,
  weights: (typeof WEIGHTS)[number],
  frames: number,
  kvCache: KvCacheType,
): number {
  try {
    const plan = planVideo(model.spec, VIDEO, { frames, kvCache })
    return estimateMemory(model, plan, { weights, memoryBudgetBytes: plan.kvCache.bytes }).peak
  } catch (error) {
    // More than a context may hold.
    if (error instanceof InvalidOptionError) return Number.POSITIVE_INFINITY
    throw error
  }
}
