import { EngineError, type PoolingPlan } from '@longtake/core'
import type { FeatureReader } from '../features/types.js'
import { throwIfAborted } from '../ort/abort.js'
import { allocateFloats } from './allocate.js'
import { comparePatches, embedGuideText } from './guide-models.js'
import type { Models } from './models.js'
import { relevanceOf } from './window-weights.js'

/** Aligned patches that are compared in one run, bytes. */
const COMPARE_BYTES = 32 * 1024 * 1024

/** What the guide says of a video and a question. Frames are in the order of the context. */
export interface GuideReading {
  /** The question's direction, `[A]`, of length 1. */
  readonly text: Float32Array
  /** `[F · H · W]` */
  readonly cosine: Float32Array
  /** `[F · H · W]`, adding up to 1. */
  readonly relevance: Float32Array
  /** Tokens of the question. */
  readonly textTokens: number
  /** Parts in which it was read: more than one where it is longer than the guide's positions. */
  readonly segments: number
}

/**
 * Compares a question with every patch of a video: the first pass of guided pooling.
 *
 * @throws {CancelledError} If the signal fires, within one run.
 */
export async function readGuide(
  models: Models,
  features: FeatureReader,
  pooling: PoolingPlan,
  question: string,
  signal?: AbortSignal,
): Promise<GuideReading> {
  const { guide } = models.checkpoint
  if (guide === undefined) throw new EngineError('ENGINE_FAILED', 'The checkpoint has no guide.')
  const encoded = guide.encodeText(question)
  const text = await embedGuideText(models, encoded, signal)
  const [frames, rows, columns] = pooling.grid
  const patches = rows * columns
  const cosine = allocateFloats(frames * patches, 'Cosines')
  const step = Math.max(
    1,
    Math.floor(COMPARE_BYTES / (patches * text.length * Float32Array.BYTES_PER_ELEMENT)),
  )
  for (let first = 0; first < frames; first += step) {
    throwIfAborted(signal)
    const alignment = await features.read('alignment', first, Math.min(first + step, frames))
    cosine.set(await comparePatches(models, alignment, text, signal), first * patches)
  }
  const relevance = relevanceOf(cosine, guide.logitScale)
  return { text, cosine, relevance, textTokens: encoded.tokens, segments: encoded.ids.length }
}
