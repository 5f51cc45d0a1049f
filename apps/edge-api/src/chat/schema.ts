import { z } from '@hono/zod-openapi'
import { CLIP_LAYOUTS, KV_CACHE_TYPES, POOLING_METHODS, ROPE_TYPES } from '@longtake/core'

/** Longest link; longer ones are no links, but data. */
const MOST_URL_CHARACTERS = 8192
const MOST_MESSAGES = 256
const MOST_PARTS = 128
/** What OpenAI allows is 4; more cost nothing here. */
const MOST_STOPS = 16
const MOST_STOP_CHARACTERS = 256

const url = z
  .string()
  .min(1)
  .refine((text) => /^(https?:\/\/|data:)/i.test(text), 'expected a http:, https: or data: address')
  .refine((text) => /^data:/i.test(text) || text.length <= MOST_URL_CHARACTERS, {
    message: `expected at most ${MOST_URL_CHARACTERS} characters`,
  })
  .openapi({ example: 'https://example.com/talk.mp4' })

const address = z.union([z.object({ url }), url.transform((text) => ({ url: text }))])

const textPart = z.object({ type: z.literal('text'), text: z.string() })
const videoPart = z.object({ type: z.literal('video_url'), video_url: address })
const imagePart = z.object({ type: z.literal('image_url'), image_url: address })
const inputVideoPart = z
  .object({ type: z.literal('input_video'), input_video: address.optional(), video_url: address.optional() })
  .refine((part) => (part.input_video === undefined) !== (part.video_url === undefined), {
    message: 'expected either input_video or video_url',
  })
const filePart = z
  .object({
    type: z.literal('file'),
    file: z.object({
      file_id: z.string().max(64).optional(),
      file_data: z.string().optional(),
      filename: z.string().optional(),
    }),
  })
  .refine(({ file }) => (file.file_id === undefined) !== (file.file_data === undefined), {
    message: 'expected either file.file_id (a video of this server) or file.file_data (a data: URI)',
  })

const part = z.discriminatedUnion('type', [textPart, videoPart, imagePart, inputVideoPart, filePart])
const content = z.union([z.string(), z.array(part).max(MOST_PARTS)])

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content }),
  z.object({ role: z.literal('developer'), content }),
  z.object({ role: z.literal('user'), content }),
  z.object({ role: z.literal('assistant'), content: content.nullish() }),
])

export type Message = z.output<typeof message>
export type Part = z.output<typeof part>

const seconds = z.number().min(0).max(1e6)

/** How a video is watched. */
export const watchSchema = z
  .strictObject({
    frames: z.union([z.int().min(1).max(65_536), z.literal('auto')]).optional(),
    fps: z.number().positive().max(1000).optional(),
    max_frames: z.int().min(1).max(65_536).optional(),
    start: seconds.optional().openapi({ description: 'Seconds after the first picture.' }),
    end: seconds.optional(),
    method: z
      .strictObject({
        rearrange: z.enum(CLIP_LAYOUTS).optional(),
        context: z.enum(ROPE_TYPES).optional(),
        pooling: z.enum(POOLING_METHODS).optional(),
        kv_cache: z.enum(['auto', ...KV_CACHE_TYPES]).optional(),
      })
      .optional(),
    token_budget: z.int().min(1).max(1_000_000).optional(),
    sampling: z.enum(['auto', 'keyframe', 'exact']).optional(),
  })
  .openapi('WatchOptions')

const extras = z
  .strictObject({
    ...watchSchema.shape,
    video: z.string().max(64).optional().openapi({ description: 'Id of a video of POST /v1/videos.' }),
    history: z.boolean().optional().openapi({
      description:
        'Whether system messages and earlier turns are put before the question, as text. Default false.',
    }),
  })
  .openapi('LongtakeExtras')

/** Whatever is not named here is ignored; what is named as `refused` is refused, because it would change the answer. */
export const chatSchema = z
  .object({
    model: z.string().min(1).max(256),
    messages: z.array(message).min(1).max(MOST_MESSAGES),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
    return_progress: z.boolean().optional(),
    max_tokens: z.int().min(1).max(1_000_000).nullish(),
    max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    seed: z.int().nullish(),
    stop: z
      .union([
        z.string().min(1).max(MOST_STOP_CHARACTERS),
        z.array(z.string().min(1).max(MOST_STOP_CHARACTERS)).max(MOST_STOPS),
      ])
      .nullish(),
    n: z.literal(1, 'only one answer is given').nullish(),
    media_io_kwargs: z
      .object({ video: z.object({ num_frames: z.int().min(1).optional() }).optional() })
      .optional(),
    mm_processor_kwargs: z.object({ fps: z.number().positive().optional() }).optional(),
    longtake: extras.optional(),
    tools: refusedUnless((value) => Array.isArray(value) && value.length === 0),
    functions: refusedUnless((value) => Array.isArray(value) && value.length === 0),
    logprobs: refusedUnless((value) => value === false),
    top_logprobs: refusedUnless((value) => value === 0),
    presence_penalty: refusedUnless((value) => value === 0),
    frequency_penalty: refusedUnless((value) => value === 0),
    logit_bias: refusedUnless((value) => typeof value === 'object' && Object.keys(value ?? {}).length === 0),
    response_format: refusedUnless(
      (value) => typeof value === 'object' && Reflect.get(value ?? {}, 'type') === 'text',
    ),
    modalities: refusedUnless((value) => Array.isArray(value) && value.every((it) => it === 'text')),
    audio: refusedUnless(() => false),
  })
  .openapi('ChatRequest')

export type ChatRequest = z.output<typeof chatSchema>

/** A field of OpenAI's that is not supported: left out, null, or without effect. */
function refusedUnless(isWithoutEffect: (value: unknown) => boolean) {
  return z
    .unknown()
    .refine(
      (value) => value === undefined || value === null || isWithoutEffect(value),
      'is not supported here',
    )
    .optional()
}
