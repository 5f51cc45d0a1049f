import type { VideoPlan } from '@longtake/core'
import { FeatureCacheError } from '../features/error.js'
import type { FeatureReader, FeatureWriter } from '../features/types.js'
import { type EncodeOptions, encodeVideo, type FrameSink } from './encode.js'
import { encoderPlan } from './encoder-plan.js'
import { commitFeatures, readPictures, writerSink } from './feature-file.js'
import { featureLayout } from './feature-layout.js'
import type { Models } from './models.js'
import type { FrameSource, Pictures } from './pictures.js'
import type { ShelfPlace } from './shelf.js'
import { StageClock } from './stage-clock.js'
import { lost } from './video-features.js'

/** What making a video's features needs. */
export interface FeatureWork {
  readonly models: Models
  readonly plan: VideoPlan
  readonly source: FrameSource
  readonly clock: StageClock
  readonly signal: AbortSignal | undefined
  /** Where they are looked for first, and kept for another time; absent without a cache. */
  readonly place: ShelfPlace | undefined
  /** Sees every frame on its way. */
  readonly wrap?: (sink: FrameSink) => FrameSink
}

/** Features with what was seen of the pictures. The reader belongs to the caller. */
export interface MadeFeatures extends Pictures {
  readonly reader: FeatureReader
}

/**
 * A video's features, from the cache where it has them; else decoded and encoded.
 *
 * @throws {VideoError} If pictures cannot be read, or the video changed meanwhile and would be kept.
 * @throws {EngineError} `ENGINE_FAILED` if running fails, or there is no place at all to keep features in.
 * @throws {CancelledError} If the signal fires; nothing is left then.
 */
export async function makeFeatures(work: FeatureWork): Promise<MadeFeatures> {
  const { plan, clock, place } = work
  const { frames } = encoderPlan(plan)
  const stages = { decode: clock.stage('decode', frames), encode: clock.stage('encode', frames) }
  const layout = featureLayout(work.models.checkpoint.model, plan)
  const kept = await place?.find((reader) => readPictures(reader, layout, plan.frames), work.signal)
  if (kept !== undefined) {
    const { reader, value } = kept
    try {
      stages.decode.complete()
      stages.encode.complete()
      return { reader, thumbnails: value.thumbnails, timestamps: value.timestamps }
    } catch (error) {
      await reader.close()
      throw error
    }
  }
  return write(
    work,
    await openWriter(() => place?.create(layout) ?? work.models.createScratch(layout)),
    stages,
  )
}

/**
 * Makes features once more, without a cache and without telling.
 *
 * @throws {VideoError} If pictures cannot be read, or the video is not what it was.
 */
export async function remakeFeatures(
  { models, plan, source, place }: Pick<FeatureWork, 'models' | 'plan' | 'source' | 'place'>,
  signal: AbortSignal | undefined,
): Promise<FeatureReader> {
  await place?.requireUnchanged(signal)
  const work = { models, plan, source, signal, clock: new StageClock(), place: undefined }
  const { reader } = await makeFeatures(work)
  try {
    await place?.requireUnchanged(signal)
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function openWriter(open: () => Promise<FeatureWriter>): Promise<FeatureWriter> {
  try {
    return await open()
  } catch (error) {
    throw error instanceof FeatureCacheError ? lost(error) : error
  }
}

async function write(
  { models, plan, source, signal, place, wrap = (sink) => sink }: FeatureWork,
  writer: FeatureWriter,
  stages: Pick<EncodeOptions, 'decode' | 'encode'>,
): Promise<MadeFeatures> {
  const { decoder, encoder } = models.checkpoint.model.spec
  try {
    const sink = wrap(writerSink(writer, plan, decoder.hiddenSize, encoder.classToken))
    const { thumbnails, timestamps } = await encodeVideo(models, plan, source, sink, { signal, ...stages })
    await place?.requireUnchanged(signal)
    const reader = await commitFeatures(writer, { thumbnails, timestamps })
    return { reader, thumbnails, timestamps }
  } catch (error) {
    await writer.abort()
    throw error instanceof FeatureCacheError ? lost(error) : error
  }
}
