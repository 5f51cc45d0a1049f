import { joinStills } from '../stills.js'
import type { TraceData } from './trace-data.js'

/** The same, told by picture: where clips need more frames than there are pictures, several frames show one. */
export function toldByPicture(data: TraceData): TraceData {
  const { facts, frames, trace } = data
  const repeats = frames.length / (facts.stills ?? frames.length)
  if (repeats === 1) return data
  return {
    ...data,
    frames: joinStills(facts, frames),
    trace: trace && { ...trace, order: trace.order.map((frame) => Math.floor(frame / repeats)) },
    picture: (index) => data.picture(index * repeats),
    seen: (index) => data.seen(index * repeats),
  }
}
