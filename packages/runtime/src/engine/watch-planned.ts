import type { PoolingPlan, VideoFacts, VideoPlan } from '@longtake/core'
import type { FeatureReader } from '../features/types.js'
import { throwIfAborted } from '../ort/abort.js'
import type { Video } from '../video/open-video-with.js'
import type { VideoSource } from '../video/video-source.js'
import { decoderKind } from './context.js'
import { type Conversation, GuidedContext, SharedContext } from './conversation.js'
import { encodeVideo, type FrameSink } from './encode.js'
import { encoderPlan, packTokens } from './encoder-plan.js'
import { prepareGuide } from './guide-models.js'
import { type FeatureWork, makeFeatures, remakeFeatures } from './make-features.js'
import type { Models } from './models.js'
import { OpenWatchedVideo } from './open-watched-video.js'
import type { FrameSource, Pictures } from './pictures.js'
import { poolFeatures } from './pool.js'
import { makePrefix, openContext, requireRoom } from './prefix.js'
import type { Shelf } from './shelf.js'
import type { StageClock } from './stage-clock.js'
import { VideoFeatures } from './video-features.js'
import type { WatchOptions } from './watch-options.js'
import type { WatchedVideo } from './watched-video.js'

/** Any question: what stands before the video does not depend on it. */
const ANY_QUESTION = 'what'

/** Features that are copied at once, bytes. */
const COPY_BYTES = 32 * 1024 * 1024

/** A plan with the pictures it names. */
export interface PlannedVideo {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly source: FrameSource
  /** The bytes of the video, where its features may be kept. */
  readonly sources?: readonly VideoSource[] | undefined
  /** Closed when it is not needed any more; on failure that is left to the caller. */
  readonly video?: Video
}

interface WatchWork extends FeatureWork {
  readonly video: Video | undefined
  /** Prompt before the video, tokens. */
  readonly before: readonly number[]
  readonly memoryBudgetBytes: number | undefined
  /** Told what the user should know beside the plan's own notes. */
  readonly notes: string[]
}

interface Watched {
  readonly conversation: Conversation
  readonly pictures: Pictures
}

/** Encodes a planned video and makes it ready for questions. */
export async function watchPlanned(
  {
    models,
    shelf,
    onClose,
  }: { models: Models; shelf: Shelf | undefined; onClose: (video: WatchedVideo) => void },
  { plan, facts, source, sources, video }: PlannedVideo,
  { signal, memoryBudgetBytes }: WatchOptions,
  clock: StageClock,
): Promise<WatchedVideo> {
  const { before } = models.checkpoint.encodeQuestion(ANY_QUESTION)
  requireRoom(plan, before.length + plan.visualTokens)
  const notes: string[] = []
  const place = sources && (await shelf?.place(sources, plan, notes, signal))
  const work = { models, plan, source, video, place, clock, signal, before, memoryBudgetBytes, notes }
  const { pooling } = plan
  const { conversation, pictures } =
    pooling?.method === 'guided' ? await watchGuided(work, pooling) : await watchShared(work)
  return new OpenWatchedVideo({
    models,
    plan: notes.length === 0 ? plan : { ...plan, notes: [...plan.notes, ...notes] },
    facts,
    conversation,
    prefixTokens: before.length + plan.visualTokens,
    pictures,
    timings: clock.timings,
    onClose,
  })
}

/** Takes the video's tokens in, once for all questions. */
async function watchShared(work: WatchWork): Promise<Watched> {
  const { models, plan, clock, signal, before, memoryBudgetBytes } = work
  const prefix = await makePrefix(models, plan, before, signal)
  const pictures = await fillVisual(work, prefix.visual)
  await work.video?.close()
  const { context } = await clock.run('prefill', before.length + plan.visualTokens, async (onTokens) => {
    // The first question should not wait for its graph.
    await models.decoder(decoderKind('answer', plan.kvCache.type))
    return openContext(models, plan, prefix.embeds, memoryBudgetBytes, { signal, onTokens })
  })
  return { conversation: new SharedContext(context), pictures }
}

/** Keeps the video's features for questions to come. */
async function watchGuided(work: WatchWork, pooling: PoolingPlan): Promise<Watched> {
  const { models, plan, clock, signal, before, memoryBudgetBytes, place, video } = work
  const { reader, ...pictures } = await makeFeatures(work)
  try {
    // Nothing of the video can be taken in before there is a question.
    clock.stage('prefill', 0)
    // The first question should not wait for its graphs.
    await prepareGuide(models)
    await models.decoder(decoderKind('answer', plan.kvCache.type))
    throwIfAborted(signal)
    // What a cache keeps may be damaged later; the video is then read again.
    const again = place && ((later?: AbortSignal) => remakeFeatures(work, later))
    if (again === undefined) await video?.close()
    const features = new VideoFeatures(reader, again)
    const release = async (): Promise<void> => video?.close()
    const conversation = new GuidedContext({
      models,
      plan,
      pooling,
      before,
      features,
      memoryBudgetBytes,
      release,
    })
    return { conversation, pictures }
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** Decodes, encodes and pools a video where the question has no part in it. */
async function fillVisual(work: WatchWork, visual: Float32Array): Promise<Pictures> {
  const { models, plan, source, clock, signal, place } = work
  if (plan.pooling === null && place === undefined) {
    const { frames } = encoderPlan(plan)
    const stages = { decode: clock.stage('decode', frames), encode: clock.stage('encode', frames) }
    return encodeVideo(models, plan, source, arraySink(models, plan, visual), { signal, ...stages })
  }
  const { reader, ...pictures } = await makeFeatures(work)
  const features = new VideoFeatures(reader, place && ((later) => remakeFeatures(work, later)))
  try {
    await clock.time('encode', () => features.use((found) => takeTokens(work, found, visual), signal))
    work.notes.push(...features.notes)
  } finally {
    await features.close()
  }
  return pictures
}

/** Puts every frame's tokens where they stand in the context. */
export function arraySink({ checkpoint }: Models, plan: VideoPlan, visual: Float32Array): FrameSink {
  const packer = packTokens(checkpoint.model.spec, plan, visual)
  return { put: async ({ place, tokens }) => packer.put(place, tokens) }
}

async function takeTokens(
  { models, plan, signal }: WatchWork,
  features: FeatureReader,
  visual: Float32Array,
): Promise<void> {
  const { pooling } = plan
  if (pooling !== null)
    return poolFeatures({ models, features, pooling, relevance: undefined, signal }, visual)
  const { spec } = models.checkpoint.model
  const { frames } = encoderPlan(plan)
  const packer = packTokens(spec, plan, visual)
  const size = spec.encoder.tokensPerFrame * spec.decoder.hiddenSize
  const step = Math.max(1, Math.floor(COPY_BYTES / Float32Array.BYTES_PER_ELEMENT / size))
  for (let first = 0; first < frames; first += step) {
    throwIfAborted(signal)
    const end = Math.min(first + step, frames)
    const tokens = await features.read('projected', first, end)
    for (let frame = first; frame < end; frame++) {
      packer.put(frame, tokens.subarray((frame - first) * size, (frame - first + 1) * size))
    }
  }
}
