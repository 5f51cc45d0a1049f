import { type ModelSpec, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import { throwIfAborted } from '../ort/abort.js'
import type { Video } from '../video/open-video-with.js'
import { closeSources, type VideoInputs, type VideoSource } from '../video/video-source.js'
import { givenSource, videoSource } from './frame-source.js'
import { describeFrames, placeFrames } from './given-frames.js'
import type { Models } from './models.js'
import type { OpenVideo } from './platform.js'
import type { Shelf } from './shelf.js'
import { StageClock } from './stage-clock.js'
import { checkGivenFrames, type InputFrame, type WatchOptions } from './watch-options.js'
import { type PlannedVideo, watchPlanned } from './watch-planned.js'
import type { WatchedVideo } from './watched-video.js'

/** What watching needs besides a video. */
export interface Watching {
  readonly models: Models
  /** Absent: features are not kept on disk. */
  readonly shelf: Shelf | undefined
  readonly openVideo: OpenVideo
  readonly onClose: (video: WatchedVideo) => void
}

/** Opens, samples, encodes and prefills a video. See `Longtake.watch`. */
export async function watchVideo(
  watching: Watching,
  input: VideoInputs,
  options: WatchOptions,
): Promise<WatchedVideo> {
  const { signal } = options
  const clock = new StageClock(options.onProgress)
  throwIfAborted(signal)
  const { video, sources } = await clock.run('open', 1, async (report) => {
    const opened = await openInput(watching, input, signal)
    return { ...opened, video: await reportOrClose(opened.video, report) }
  })
  try {
    const plan = planOpenVideo(watching.models.checkpoint.model.spec, video, options)
    const planned = { plan, facts: video.facts, source: videoSource(video, plan), sources, video }
    return await watchPlanned(watching, planned, options, clock)
  } catch (error) {
    await video.close()
    throw error
  }
}

/** Watches given pictures. See `Longtake.watchFrames`. */
export async function watchPictures(
  watching: Watching,
  pictures: readonly InputFrame[],
  options: WatchOptions,
  areStills: boolean,
): Promise<WatchedVideo> {
  throwIfAborted(options.signal)
  const planned = planPictures(watching.models.checkpoint.model.spec, pictures, options, areStills)
  return watchPlanned(watching, planned, options, new StageClock(options.onProgress))
}

/** The plan of a file, with what was found out on opening it. */
export function planOpenVideo(spec: ModelSpec, video: Video, options: WatchOptions): VideoPlan {
  const plan = planVideo(spec, video.facts, options)
  return { ...plan, notes: [...video.notes, ...plan.notes] }
}

/** What watching a video would do: opens it for its facts, and runs no model. */
export async function planInput(
  spec: ModelSpec,
  openVideo: OpenVideo,
  input: VideoInputs,
  options: WatchOptions,
): Promise<VideoPlan> {
  const video = await openVideo(input, { ...(options.signal && { signal: options.signal }) })
  try {
    return planOpenVideo(spec, video, options)
  } finally {
    await video.close()
  }
}

/**
 * The plan of given pictures: all of them, whatever `frames` says; frames with their own times.
 *
 * @param areStills - Whether each stands for itself; else they are frames of one video.
 */
export function planPictures(
  spec: ModelSpec,
  pictures: readonly InputFrame[],
  options: WatchOptions,
  areStills: boolean,
): PlannedVideo {
  checkGivenFrames(options)
  const described = describeFrames(pictures)
  const facts = areStills ? asStills(described, pictures) : described
  const frameCount = areStills ? {} : { frames: pictures.length }
  const planned = planVideo(spec, facts, { ...options, ...frameCount })
  // An image's time is its place among the images, whatever the caller calls it.
  const placed = areStills ? pictures.map(({ rgb, width, height }) => ({ rgb, width, height })) : pictures
  const frames = placeFrames(placed, planned.frames)
  const plan = { ...planned, timestamps: frames.map(({ timestampSeconds }) => timestampSeconds) }
  return { plan, facts, source: givenSource(frames) }
}

function asStills(facts: VideoFacts, pictures: readonly InputFrame[]): VideoFacts {
  const stillSizes = pictures.map(({ width, height }) => [height, width] as const)
  return { ...facts, startSeconds: 0, durationSeconds: 0, stills: pictures.length, stillSizes }
}

/** Opens a video; where its features may be kept, its bytes first, which are hashed too. */
async function openInput(
  { openVideo, shelf }: Watching,
  input: VideoInputs,
  signal: AbortSignal | undefined,
): Promise<{ video: Video; sources: readonly VideoSource[] | undefined }> {
  const options = { ...(signal && { signal }) }
  if (shelf === undefined) return { video: await openVideo(input, options), sources: undefined }
  const sources = await shelf.openSources(input)
  try {
    const video = await openVideo(Array.isArray(input) ? sources : sources[0]!, options)
    return { video, sources }
  } catch (error) {
    await closeSources(sources)
    throw error
  }
}

export async function reportOrClose(video: Video, report: (done: number) => void): Promise<Video> {
  try {
    report(1)
    return video
  } catch (error) {
    await video.close()
    throw error
  }
}
