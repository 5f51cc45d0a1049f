import type { z } from '@hono/zod-openapi'
import { type ModelSpec, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { watchSchema } from '../chat/schema.js'
import { watchSettings } from '../chat/settings.js'
import type { Limits } from '../limits.js'
import type { VideoFactsRequest } from '../routes/video-schema.js'

/** A plan for a video that nobody has to open. */
interface AheadRequest {
  readonly model: string
  readonly video: VideoFactsRequest
  readonly longtake?: z.output<typeof watchSchema> | undefined
}

/**
 * Plans from what a client says of a video; nothing is opened.
 *
 * @throws {InvalidOptionError} As `planVideo`.
 * @throws {ApiError} 400 if more frames are asked for than the server takes.
 */
export function planVideoAhead(
  spec: ModelSpec,
  { model, video, longtake = {} }: AheadRequest,
  { maxFrames, maxCacheBytes }: Pick<Limits, 'maxFrames' | 'maxCacheBytes'>,
) {
  const { duration: durationSeconds, width, height, fps, codec = 'unknown' } = video
  const known =
    fps === undefined ? {} : { framesPerSecond: fps, frameCount: Math.ceil(durationSeconds * fps) }
  const facts: VideoFacts = { startSeconds: 0, durationSeconds, width, height, codec, ...known }
  const settings = watchSettings(longtake, maxFrames)
  const plan = planVideo(spec, facts, {
    ...settings,
    maxFrames: settings.maxFrames ?? maxFrames,
    memoryBudgetBytes: maxCacheBytes,
  })
  return describePlan(model, { facts, plan })
}

/** A plan as `POST /v1/plan` answers it. */
export function describePlan(model: string, video: { readonly facts: VideoFacts; readonly plan: VideoPlan }) {
  const { durationSeconds: duration, width, height, codec } = video.facts
  const { notes, ...plan } = video.plan
  return { object: 'plan', model, video: { duration, width, height, codec }, plan, notes }
}
