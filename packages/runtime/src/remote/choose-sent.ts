import { chooseFrames } from '../video/index.js'

/** What a frame before or after a relevant one counts, as a share of that: what comes next is often asked. */
const NEIGHBOUR_SHARE = 1 / 2

/**
 * Frames to send: half of them spread over the whole video, the rest the most relevant with their neighbours in time.
 *
 * @param relevance - One for each frame, 0 or more; undefined where nothing is known: then all are spread evenly.
 * @param hasTime - Whether neighbours are neighbours in time, and not images that stand alone.
 * @returns Indices in time order.
 */
export function chooseSent(
  relevance: readonly number[] | undefined,
  frames: number,
  most: number,
  hasTime: boolean,
): number[] {
  if (relevance === undefined) return chooseFrames(new Array<number>(frames).fill(1), most)
  const near = (at: number): number => NEIGHBOUR_SHARE * (relevance[at] ?? 0)
  const weights = hasTime ? relevance.map((own, at) => Math.max(own, near(at - 1), near(at + 1))) : relevance
  return chooseFrames(weights, most)
}
