import { addVideo, forgetVideo, readVideo, type Video } from './api.js'
import { Failure } from './failure.js'
import { formatBytes } from './format.js'
import type { Stages } from './stages.js'

/** Asked often at first, for short videos; a long one has time, and requests are counted. */
const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 1500

/**
 * Has a video watched, showing how far it is.
 *
 * @throws {Failure} If it cannot be watched.
 */
export async function watchVideo(
  source: string | File,
  model: string | undefined,
  stages: Stages,
  signal: AbortSignal,
): Promise<Video> {
  stages.begin('Watching the video', false)
  if (typeof source !== 'string') stages.wait(`Sending ${source.name} (${formatBytes(source.size)}).`)
  let video = await addVideo(source, model, signal)
  try {
    let waitMs = FIRST_WAIT_MS
    while (video.status === 'queued' || video.status === 'watching') {
      if (video.status === 'queued') stages.wait(video.position ?? 0)
      else if (video.progress) stages.show(video.progress)
      else stages.wait(undefined)
      await sleep(waitMs, signal)
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.25)
      video = await readPatiently(video.id, signal)
    }
  } catch (error) {
    forgetVideo(video.id)
    throw error
  }
  if (video.status === 'ready') {
    stages.show({ stage: 'encode', done: video.plan?.frames ?? 1, total: video.plan?.frames ?? 1 })
    return video
  }
  forgetVideo(video.id)
  const { code = 'cancelled', message = 'Watching was stopped.' } = video.error ?? {}
  throw new Failure(422, code, message)
}

/** Too many requests are no reason to give up a video: the server says when it listens again. */
async function readPatiently(id: string, signal: AbortSignal): Promise<Video> {
  while (true) {
    try {
      return await readVideo(id, signal)
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 429) throw error
      await sleep((error.retryAfterSeconds ?? 5) * 1000, signal)
    }
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
