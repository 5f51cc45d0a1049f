import { planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import { openVideo, type Video, type VideoInput } from '../video/index.js'
import { decoderKind } from './context.js'
import { encodeVideo, type FrameSink } from './encode.js'
import { givenSource, videoSource } from './frame-source.js'
import { describeFrames, placeFrames } from './given-frames.js'
import type { Models } from './models.js'
import type { FrameSource } from './pictures.js'
import { makePrefix, openContext } from './prefix.js'
import { StageClock } from './stage-clock.js'
import { checkGivenFrames, type InputFrame, type WatchOptions } from './watch-options.js'
import { OpenWatchedVideo, type WatchedVideo } from './watched-video.js'

/** Any question: what stands before the video does not depend on it. */
const ANY_QUESTION = 'what'

/** A plan with the pictures it names. */
interface PlannedVideo {
  readonly plan: VideoPlan
  readonly facts: VideoFacts
  readonly source: FrameSource
}

/** Opens, samples, encodes and prefills a video. See `Longtake.watch`. */
export async function watchVideo(
  models: Models,
  input: VideoInput,
  options: WatchOptions,
  onClose: (video: WatchedVideo) => void,
): Promise<WatchedVideo> {
  const { signal } = options
  const clock = new StageClock(options.onProgress)
  throwIfAborted(signal)
  const video = await clock.run('open', 1, async (report) => {
    const opened = await openVideo(input, { ...(signal && { signal }) })
    return reportOrClose(opened, report)
  })
  try {
    const plan = planOpenVideo(models, video, options)
    const source = videoSource(video, plan)
    return await watchPlanned(models, { plan, facts: video.facts, source }, options, clock, onClose)
  } finally {
    await video.close()
  }
}

/** Watches given pictures. See `Longtake.watchFrames`. */
export async function watchPictures(
  models: Models,
  pictures: readonly InputFrame[],
  options: WatchOptions,
  onClose: (video: WatchedVideo) => void,
): Promise<WatchedVideo> {
  throwIfAborted(options.signal)
  const planned = planPictures(models, pictures, options)
  return watchPlanned(models, planned, options, new StageClock(options.onProgress), onClose)
}

/** The plan of a file, with what was found out on opening it. */
export function planOpenVideo(models: Models, video: Video, options: WatchOptions): VideoPlan {
  const plan = planVideo(models.checkpoint.model.spec, video.facts, options)
  return { ...plan, notes: [...video.notes, ...plan.notes] }
}

/** The plan of given pictures: all of them, whatever `frames` says, with their own times. */
export function planPictures(
  models: Models,
  pictures: readonly InputFrame[],
  options: WatchOptions,
): PlannedVideo {
  checkGivenFrames(options)
  const facts = describeFrames(pictures)
  const planned = planVideo(models.checkpoint.model.spec, facts, { ...options, frames: pictures.length })
  const frames = placeFrames(pictures, planned.frames)
  const plan = { ...planned, timestamps: frames.map(({ timestampSeconds }) => timestampSeconds) }
  return { plan, facts, source: givenSource(frames) }
}

async function watchPlanned(
  models: Models,
  { plan, facts, source }: PlannedVideo,
  { signal, memoryBudgetBytes }: WatchOptions,
  clock: StageClock,
  onClose: (video: WatchedVideo) => void,
): Promise<WatchedVideo> {
  const { before } = models.checkpoint.encodeQuestion(ANY_QUESTION)
  const prefix = await makePrefix(models, plan, before, signal)
  const sink = arraySink(prefix.visual, plan.frames)
  const decode = clock.stage('decode', plan.frames)
  const encode = clock.stage('encode', plan.frames)
  const pictures = await encodeVideo(models, plan, source, sink, { signal, decode, encode })
  const { context } = await clock.run('prefill', before.length + plan.visualTokens, async (onTokens) => {
    // The first question should not wait for its graph.
    await models.decoder(decoderKind('answer', plan.kvCache.type))
    return openContext(models, plan, prefix.embeds, memoryBudgetBytes, { signal, onTokens })
  })
  const { thumbnails, timestamps } = pictures
  return new OpenWatchedVideo({
    models,
    plan,
    facts,
    context,
    timestamps,
    thumbnails,
    timings: clock.timings,
    onClose,
  })
}

/** Puts every frame's tokens where they stand in the context. */
export function arraySink(visual: Float32Array, frames: number): FrameSink {
  const size = visual.length / frames
  return { put: async ({ place, projected }) => visual.set(projected, place * size) }
}

async function reportOrClose(video: Video, report: (done: number) => void): Promise<Video> {
  try {
    report(1)
    return video
  } catch (error) {
    await video.close()
    throw error
  }
}
