import type { Question } from '../quality-data.js'
import { type Scene, ShotPainter } from './drawing.js'
import { drawLook, drawSlowChange, type Look, type SlowChange } from './look.js'
import { Random } from './random.js'
import { CAPTIONS, NUMBERS, nameOf, type Shot, THINGS, type Thing, TRENDS } from './world.js'

/** Where needles stand, shares of the video's length. */
export const NEEDLE_POSITIONS: readonly number[] = [0.05, 0.275, 0.5, 0.725, 0.95]
export const NEEDLE_SECONDS = 10
/** A background shot lasts an eighth of the video, but no longer than this, give or take 30 %. */
const LONGEST_SHOT_SECONDS = 300
/** Nothing shorter than this stands alone between two needles. */
const SHORTEST_SHOT_SECONDS = 10

/** A shot on its way through the video. */
interface PlacedShot {
  readonly shot: Shot
  readonly look: Look
  readonly startSeconds: number
  readonly endSeconds: number
  /** Place among `NEEDLE_POSITIONS`; undefined for background. */
  readonly needle: number | undefined
}

/** A long video in which each needle shows a thing that nothing else shows. */
export interface NeedleVideo {
  readonly durationSeconds: number
  /** In time order, without a gap. */
  readonly shots: readonly PlacedShot[]
  readonly slow: SlowChange
}

/** One question, and the needle that answers it. */
export interface NeedleQuestion extends Question {
  /** Share of the video's length. */
  readonly position: number
}

/**
 * Plans a video: the same key and length give the same video.
 *
 * Background shots never show a needle's thing, yet each shares its colour or its shape with one, so that neither
 * alone finds the needle.
 */
export function planNeedleVideo(key: string, durationSeconds: number): NeedleVideo {
  const random = new Random(`needle ${key} ${durationSeconds}`)
  const things = random.shuffled(THINGS)
  const needles = things.slice(0, NEEDLE_POSITIONS.length)
  const alike = things
    .slice(needles.length)
    .filter((thing) => needles.some(({ colour, shape }) => colour === thing.colour || shape === thing.shape))
  const shots: PlacedShot[] = []
  let previous: Thing | undefined
  for (const { startSeconds, endSeconds, needle } of planSpans(durationSeconds, random)) {
    const ofNeedle = needle === undefined ? undefined : needles[needle]
    const thing = ofNeedle ?? random.choice(alike.filter((other) => other !== previous))
    previous = thing
    const shot: Shot = { ...thing, number: random.choice(NUMBERS), caption: random.choice(CAPTIONS) }
    shots.push({ shot, look: drawLook(random), startSeconds, endSeconds, needle })
  }
  return { durationSeconds, shots, slow: drawSlowChange(random.choice(TRENDS), random) }
}

type Span = Pick<PlacedShot, 'startSeconds' | 'endSeconds' | 'needle'>

/** Needles around their positions; between them background shots of about equal length. */
function planSpans(durationSeconds: number, random: Random): readonly Span[] {
  const spans: Span[] = []
  const fill = (from: number, to: number): void => {
    const wanted = Math.min(durationSeconds / 8, LONGEST_SHOT_SECONDS) * random.uniform(0.7, 1.3)
    const most = Math.max(1, Math.floor((to - from) / SHORTEST_SHOT_SECONDS))
    const count = Math.min(Math.max(1, Math.round((to - from) / wanted)), most)
    const cut = (k: number): number => (k === 0 || k === count ? 0 : random.around(0.2))
    const cuts = Array.from({ length: count + 1 }, (_, k) =>
      Math.round(from + ((to - from) * (k + cut(k))) / count),
    )
    for (let k = 0; k < count; k++) {
      spans.push({ startSeconds: cuts[k] ?? from, endSeconds: cuts[k + 1] ?? to, needle: undefined })
    }
  }
  let end = 0
  for (const [needle, position] of NEEDLE_POSITIONS.entries()) {
    const startSeconds = Math.round(position * durationSeconds - NEEDLE_SECONDS / 2)
    fill(end, startSeconds)
    end = startSeconds + NEEDLE_SECONDS
    spans.push({ startSeconds, endSeconds: end, needle })
  }
  fill(end, durationSeconds)
  return spans
}

/** Two questions on every needle, in time order. */
export function askNeedles({ shots }: NeedleVideo): readonly NeedleQuestion[] {
  return shots.flatMap(({ shot, needle }) => {
    const position = needle === undefined ? undefined : NEEDLE_POSITIONS[needle]
    if (position === undefined) return []
    const name = nameOf(shot)
    return [
      { kind: 'number', text: `What number is on the ${name}?`, answer: shot.number, position },
      { kind: 'caption', text: `What caption is on the ${name}?`, answer: shot.caption, position },
    ]
  })
}

/** Draws the video, one picture after another, each at the middle of its time. */
export function* drawNeedleVideo(
  video: NeedleVideo,
  framesPerSecond: number,
  size: number,
): Generator<Uint8Array, void, undefined> {
  const frames = Math.round(video.durationSeconds * framesPerSecond)
  for (const placed of video.shots) {
    const [first, end] = [placed.startSeconds, placed.endSeconds].map((seconds) =>
      Math.round(seconds * framesPerSecond),
    ) as [number, number]
    const painter = new ShotPainter(placed.look, size)
    for (let frame = first; frame < end; frame++) {
      yield painter.draw(sceneAt(video, placed, frame, (frame + 0.5) / frames, framesPerSecond))
    }
  }
}

function sceneAt(
  { slow }: NeedleVideo,
  { shot, look, startSeconds, endSeconds }: PlacedShot,
  frame: number,
  position: number,
  framesPerSecond: number,
): Scene {
  const seconds = (frame + 0.5) / framesPerSecond
  const now = ([start, end]: readonly [number, number]): number => start + (end - start) * position
  return {
    shot,
    look,
    inside: (seconds - startSeconds) / (endSeconds - startSeconds) - 0.5,
    gain: now(slow.gain),
    dot: now(slow.dot),
    bar: now(slow.bar),
  }
}
