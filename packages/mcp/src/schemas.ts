import type { PlanOptions } from '@longtake/core'
import { z } from 'zod'

/** Longer texts are no question. */
const MAX_QUESTION_CHARACTERS = 10_000
/** A `data:` link may hold a small video. */
const MAX_LINK_CHARACTERS = 16 * 2 ** 20
const MAX_FRAMES = 4096

const video = {
  video: z
    .string()
    .min(1)
    .max(MAX_LINK_CHARACTERS)
    .describe(
      'http(s) link of a video, an HLS stream or a page that has one; or a file, where files are allowed',
    ),
  frames: z
    .union([z.literal('auto'), z.int().min(1).max(MAX_FRAMES)])
    .optional()
    .describe(
      'how many frames are looked at, spread over the video; more see shorter events and take longer',
    ),
  start_seconds: z.number().min(0).optional().describe('where to begin'),
  end_seconds: z.number().positive().optional().describe('where to end'),
}

export interface VideoArguments {
  readonly video: string
  readonly frames?: number | 'auto' | undefined
  readonly start_seconds?: number | undefined
  readonly end_seconds?: number | undefined
}

/** Nothing is changed anywhere, and the links are the agent's own. */
const annotations = { readOnlyHint: true, openWorldHint: true }

export const askSchema = {
  title: 'Ask a video',
  description:
    'Watches a video of any length and answers a question about what is seen in it, with the times the answer rests on. ' +
    'Further questions about the same video are answered at once.',
  inputSchema: z.object({
    ...video,
    question: z
      .string()
      .trim()
      .min(1)
      .max(MAX_QUESTION_CHARACTERS)
      .describe('one question, about what is seen'),
  }),
  annotations,
}

export const planSchema = {
  title: 'Plan watching a video',
  description:
    "Tells a video's length, size and codec, and how many frames and tokens watching it would take, without watching it.",
  inputSchema: z.object(video),
  annotations,
}

export const storyboardSchema = {
  title: 'Storyboard of a video',
  description:
    'Shows the sampled frames of a video with their times on one picture; those that the last answer rests on are marked.',
  inputSchema: z.object(video),
  annotations,
}

/** As the runtime names them; what was not said is left out. */
export function watchOptions({ frames, start_seconds, end_seconds }: VideoArguments): PlanOptions {
  return {
    ...(frames !== undefined && { frames }),
    ...(start_seconds !== undefined && { startSeconds: start_seconds }),
    ...(end_seconds !== undefined && { endSeconds: end_seconds }),
  }
}
