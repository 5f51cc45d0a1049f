import { z } from '@hono/zod-openapi'
import { watchSchema } from '../chat/schema.js'

const MOST_URL_CHARACTERS = 8192
const MOST_SECONDS = 1e7
const MOST_PIXELS = 65_536

/** Body of `POST /v1/videos`. */
export const videoSchema = z
  .object({
    model: z.string().min(1).max(256).optional(),
    url: z
      .string()
      .refine((text) => /^(https?:\/\/|data:)/i.test(text), 'expected a http:, https: or data: address')
      .refine((text) => /^data:/i.test(text) || text.length <= MOST_URL_CHARACTERS, {
        message: `expected at most ${MOST_URL_CHARACTERS} characters`,
      }),
    longtake: watchSchema.optional(),
  })
  .openapi('VideoRequest')

export type VideoRequest = z.output<typeof videoSchema>

/** What is known of a video that nobody has to open then. */
const factsSchema = z
  .strictObject({
    duration: z.number().positive().max(MOST_SECONDS).openapi({ description: 'Seconds.' }),
    width: z.int().min(1).max(MOST_PIXELS),
    height: z.int().min(1).max(MOST_PIXELS),
    fps: z.number().positive().max(1000).optional(),
    codec: z.string().max(64).optional(),
  })
  .openapi('VideoFacts')

export type VideoFactsRequest = z.output<typeof factsSchema>

/** Body of `POST /v1/plan`. */
export const planSchema = z
  .object({
    ...videoSchema.shape,
    url: videoSchema.shape.url.optional(),
    video: factsSchema.optional().openapi({ description: 'Instead of `url`: the plan is made without it.' }),
  })
  .refine(({ url, video }) => (url === undefined) !== (video === undefined), {
    message: 'expected either url or video',
  })
  .openapi('PlanRequest')
