import type { z } from '@hono/zod-openapi'
import { ApiError } from '../http/api-error.js'
import type { AskSettings, WatchSettings } from '../videos/job.js'
import type { ChatRequest, watchSchema } from './schema.js'

/** Seeds are 32 bits here; OpenAI's may be any whole number. */
const SEEDS = 2 ** 32
/** As good as 0, which would leave no token to choose. */
const LEAST_TOP_P = 1e-6

type WatchFields = z.output<typeof watchSchema>

/**
 * Options of a request as the runtime names them; what was not said is left out.
 *
 * @throws {ApiError} 400 if more frames are asked for than the server takes.
 */
export function watchSettings(fields: WatchFields, mostFrames: number): WatchSettings {
  const { frames, fps, max_frames, start, end, method, token_budget, sampling } = fields
  requireFrames('longtake.frames', frames, mostFrames)
  requireFrames('longtake.max_frames', max_frames, mostFrames)
  return defined({
    frames,
    fps,
    maxFrames: max_frames,
    startSeconds: start,
    endSeconds: end,
    layout: method?.rearrange,
    rope: method?.context,
    pooling: method?.pooling,
    kvCache: method?.kv_cache,
    tokenBudget: token_budget,
    sampling,
  })
}

/** Also takes the names that vLLM's clients know, where Longtake's own say nothing. */
export function chatWatchSettings(request: ChatRequest, mostFrames: number): WatchSettings {
  const { video: _video, history: _history, ...fields } = request.longtake ?? {}
  const own = watchSettings(fields, mostFrames)
  if (own.frames !== undefined || own.fps !== undefined) return own
  const frames = request.media_io_kwargs?.video?.num_frames
  requireFrames('media_io_kwargs.video.num_frames', frames, mostFrames)
  const fps = request.mm_processor_kwargs?.fps
  return { ...own, ...defined({ frames, fps: frames === undefined ? fps : undefined }) }
}

/** @param mostTokens - The server's limit; less may be asked for, not more. */
export function askSettings(request: ChatRequest, mostTokens: number): AskSettings {
  const { max_completion_tokens, max_tokens, temperature, top_p, seed, stop } = request
  const wanted = max_completion_tokens ?? max_tokens
  return defined({
    temperature: temperature ?? undefined,
    topP: top_p === null || top_p === undefined ? undefined : Math.max(top_p, LEAST_TOP_P),
    seed: seed === null || seed === undefined ? undefined : ((seed % SEEDS) + SEEDS) % SEEDS,
    stop: stop === null || stop === undefined ? undefined : typeof stop === 'string' ? [stop] : stop,
    maxTokens: wanted === null || wanted === undefined ? undefined : Math.min(wanted, mostTokens),
  })
}

function requireFrames(param: string, frames: number | 'auto' | undefined, most: number): void {
  if (typeof frames !== 'number' || frames <= most) return
  throw new ApiError(400, 'invalid_value', `${param}: at most ${most} frames are watched here.`, { param })
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}
