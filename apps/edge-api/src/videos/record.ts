import { z } from 'zod'
import type { WatchWork } from './job.js'
import type { VideoReport } from './report.js'

/** A video that a caller registered, as it is written down: plain JSON. Times are milliseconds since 1970. */
export interface VideoRecord {
  readonly id: string
  readonly owner: string
  readonly work: WatchWork
  /** What the caller sees of where it comes from: no query, no data. */
  readonly shown: string
  readonly createdAt: number
  expiresAt: number
  /** Job that watches it. */
  jobId?: string
  /** Of a video that was watched. */
  report?: VideoReport
  /** Of a video that could not be watched. */
  failure?: { readonly code: string; readonly message: string }
}

const source = z.discriminatedUnion('type', [
  z.object({ type: z.literal('link'), url: z.string() }),
  z.object({ type: z.literal('upload'), id: z.string() }),
])

/** What everything else relies on; a report is shown as it was written. */
const schema = z.object({
  id: z.string().regex(/^vid_[0-9a-f]{32}$/),
  owner: z.string(),
  work: z.object({ model: z.string(), sources: z.array(source), watch: z.record(z.string(), z.unknown()) }),
  shown: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  jobId: z.string().optional(),
  report: z.custom<VideoReport>((value) => typeof value === 'object' && value !== null).optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
})

/** A record from its JSON; undefined if it is none. */
export function parseRecord(text: string): VideoRecord | undefined {
  try {
    const result = schema.safeParse(JSON.parse(text))
    return result.success ? (result.data as VideoRecord) : undefined
  } catch {
    return undefined
  }
}
