import type { VideoPlan } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { EncodedFrames, Models } from './models.js'

/** Frames that one run of the encoder takes, about: enough to fill the cores, few enough to cancel and report soon. */
const BATCH_FRAMES = 16

export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined
  /** Told the frames that are encoded. */
  readonly onFrames?: (done: number) => void
  /** Told each batch as it comes: frame indices in the batch's order, and what was computed of them. */
  readonly onBatch?: (frames: readonly number[], encoded: EncodedFrames) => void
}

/**
 * Encodes a plan's clips and puts their tokens in the order of the context.
 *
 * @param pixels - `[F, 3, S, S]`, frames in time order.
 * @param visual - Receives the tokens, `[F · tokens, D]`, in the order that the plan gives.
 * @throws {CancelledError} If the signal fires, within one batch.
 */
export async function encodeClips(
  models: Models,
  plan: VideoPlan,
  pixels: Float32Array,
  visual: Float32Array,
  { signal, onFrames, onBatch }: EncodeOptions = {},
): Promise<void> {
  const { hiddenSize } = models.checkpoint.model.spec.decoder
  const tokenSize = (plan.visualTokens / plan.frames) * hiddenSize
  const positions = invert(plan.order)
  const framesPerClip = plan.clips[0]?.length ?? 1
  const batchClips = Math.max(1, Math.floor(BATCH_FRAMES / framesPerClip))
  for (let clip = 0; clip < plan.clips.length; clip += batchClips) {
    throwIfAborted(signal)
    const frames = plan.clips.slice(clip, clip + batchClips).flat()
    const encoded = await models.encode(
      gather(pixels, frames, pixels.length / plan.frames),
      frames.length,
      signal,
    )
    const start = clip * framesPerClip
    for (let index = 0; index < frames.length; index++) {
      const block = encoded.projected.subarray(index * tokenSize, (index + 1) * tokenSize)
      visual.set(block, positions[start + index]! * tokenSize)
    }
    onBatch?.(frames, encoded)
    onFrames?.(start + frames.length)
  }
}

/** The frame whose tokens stand at each place of the context, `[F]`. */
export function framesInContext(plan: VideoPlan): number[] {
  const encoded = plan.clips.flat()
  return plan.order.map((place) => encoded[place]!)
}

function invert(order: readonly number[]): number[] {
  const positions: number[] = new Array(order.length)
  for (const [position, place] of order.entries()) positions[place] = position
  return positions
}

function gather(blocks: Float32Array, indices: readonly number[], size: number): Float32Array {
  const gathered = new Float32Array(indices.length * size)
  for (const [place, index] of indices.entries()) {
    gathered.set(blocks.subarray(index * size, (index + 1) * size), place * size)
  }
  return gathered
}
