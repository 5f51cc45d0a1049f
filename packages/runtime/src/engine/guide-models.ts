import { EngineError } from '@longtake/core'
import { buildRelevance } from '@longtake/kernels'
import type { GuideModel } from '../checkpoint/families/family.js'
import type { GuideText } from '../checkpoint/read-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import type { Session } from '../ort/types.js'
import { alignmentGraph, guideTextGraph } from './graphs.js'
import { type Models, takeFloats } from './models.js'

/** Segments that one run takes, so that memory is bounded: attention inside 248 tokens takes 240 KiB a head. */
const RUN_SEGMENTS = 16

/** Compares what the encoder sees with texts: Dv to A. */
export function alignmentSession(models: Models): Promise<Session> {
  const guide = guideOf(models)
  return models.session('alignment', () => alignmentGraph(models.checkpoint, guide, models.weights))
}

/** Loads what a guided question needs, so that the first one does not wait for it. */
export async function prepareGuide(models: Models): Promise<void> {
  await Promise.all([textSession(models), relevanceSession(models)])
}

/**
 * Encodes a question into the space that it shares with patches. Beyond the guide's positions the question comes in
 * segments; the mean of their vectors is scaled to length 1 again.
 *
 * @returns `[A]`, of length 1.
 * @throws {CancelledError} If the signal fires, within one run.
 */
export async function embedGuideText(
  models: Models,
  { ids, ends }: GuideText,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const runs: Float32Array[] = []
  for (let first = 0; first < ids.length; first += RUN_SEGMENTS) {
    throwIfAborted(signal)
    const end = first + RUN_SEGMENTS
    runs.push(await embedSegments(models, ids.slice(first, end), ends.slice(first, end), signal))
  }
  return meanDirection(runs, ids.length)
}

/** @returns `[segments, A]`, each of length 1. */
async function embedSegments(
  models: Models,
  ids: GuideText['ids'],
  ends: GuideText['ends'],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const length = Math.max(...ids.map((segment) => segment.length))
  const padded = new BigInt64Array(ids.length * length)
  for (const [row, segment] of ids.entries()) {
    // What stands after the end is not seen; its own last token is always a valid one.
    for (let at = 0; at < length; at++) padded[row * length + at] = BigInt(segment[at] ?? segment.at(-1)!)
  }
  const feeds = {
    input_ids: models.backend.tensor('int64', [ids.length, length], padded),
    end: models.backend.tensor('int64', [ids.length], BigInt64Array.from(ends, BigInt)),
  }
  return takeFloats(await models.run(await textSession(models), feeds, signal), 'text_embedding')
}

/**
 * Cosine of each patch with a text.
 *
 * @param alignment - `[patches, A]`
 * @param text - `[A]`
 */
export async function comparePatches(
  models: Models,
  alignment: Float32Array,
  text: Float32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { backend } = models
  const feeds = {
    alignment: backend.tensor('float32', [alignment.length / text.length, text.length], alignment),
    text: backend.tensor('float32', [text.length], text),
  }
  return takeFloats(await models.run(await relevanceSession(models), feeds, signal), 'cosine')
}

function textSession(models: Models): Promise<Session> {
  const guide = guideOf(models)
  return models.session('guide-text', () => guideTextGraph(models.checkpoint, guide, models.weights))
}

function relevanceSession(models: Models): Promise<Session> {
  const { alignment } = guideOf(models)
  return models.session('relevance', async () => buildRelevance(alignment.alignmentSize))
}

/** Plans are guided only where the checkpoint has a guide. */
function guideOf({ checkpoint }: Models): GuideModel {
  const { guide } = checkpoint.model
  if (guide !== undefined) return guide
  throw new EngineError('ENGINE_FAILED', 'The plan is guided, and the checkpoint has no guide.')
}

/** The mean of `count` vectors of several runs, scaled to length 1. */
function meanDirection(runs: readonly Float32Array[], count: number): Float32Array {
  const [first = new Float32Array(0)] = runs
  if (count === 1) return first
  const width = runs.reduce((floats, { length }) => floats + length, 0) / count
  const sum = new Float64Array(width)
  for (const vectors of runs) for (const [at, value] of vectors.entries()) sum[at % width]! += value
  const length = Math.hypot(...sum)
  // Vectors that cancel out have no direction; then every patch matches alike.
  return Float32Array.from(sum, (value) => (length > 0 ? value / length : 0))
}
