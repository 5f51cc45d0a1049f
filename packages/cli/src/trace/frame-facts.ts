import { formatTimestamp } from '@longtake/core'
import { frameSpans, type TimeSpan } from '@longtake/runtime/video'
import { pictureName } from '../stills.js'
import type { TraceData } from './trace-data.js'

/** Whether still pictures were looked at instead of a video. */
export function isStills({ facts }: TraceData): boolean {
  return facts.stills !== undefined
}

/** Whether the frames are still pictures, or otherwise have no time of their own. */
export function isTimeless({ facts, frames }: TraceData): boolean {
  const first = frames[0]?.timestamp ?? 0
  return facts.stills !== undefined || !((frames.at(-1)?.timestamp ?? 0) > first)
}

/** How a frame is called: by its time, or as a picture. */
export function frameName(data: TraceData, index: number): string {
  const frame = data.frames[index]
  if (isStills(data)) return pictureName(index)
  if (frame === undefined || isTimeless(data)) return `frame ${index + 1}`
  return formatTimestamp(frame.timestamp)
}

/** The stretch of the axis that each frame stands for: seconds, or its place among the pictures. */
export function axisSpans(data: TraceData): TimeSpan[] {
  if (isTimeless(data)) return data.frames.map((_, index) => ({ start: index, end: index + 1 }))
  return frameSpans(data.frames.map(({ timestamp }) => timestamp))
}

/**
 * How much the question and the answer make of each frame, the larger share of each one's largest.
 *
 * @returns `[F]`, 0 to 1.
 */
export function importance({ frames }: TraceData): number[] {
  const largest = (values: readonly number[]): number => Math.max(Number.MIN_VALUE, ...values)
  const mostWeight = largest(frames.map(({ weight }) => weight))
  const mostRelevance = largest(frames.map(({ relevance = 0 }) => relevance))
  return frames.map(({ weight, relevance = 0 }) => Math.max(weight / mostWeight, relevance / mostRelevance))
}

/** Whether the question guided the pooling, so that there is relevance to show. */
export function isGuided({ trace }: TraceData): boolean {
  return trace !== undefined && trace.relevance.length > 0
}
