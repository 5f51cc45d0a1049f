import { type ModelSpec, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { InputFrame, Longtake, WatchedVideo } from '@longtake/runtime'
import { openVideo, type Video } from '@longtake/runtime/video'
import type { Arm, ArmGroup } from './quality-arms.js'
import { canBecomeRight, isRight, type Question, type QuizVideo } from './quality-data.js'

/** One answered question. */
interface Mark {
  readonly kind: string
  readonly isRight: boolean
}

/** Marks of one group of arms on one video. */
export interface MarkedVideo {
  readonly group: ArmGroup
  readonly marks: readonly Mark[]
}

/** A video's plan under an arm. */
export function planArm(spec: ModelSpec, facts: VideoFacts, { frames, layout, rope, kv }: Arm): VideoPlan {
  return planVideo(spec, facts, { frames, layout, rope, kvCache: kv })
}

/** Reads a video's facts. */
export async function readFacts(path: string): Promise<VideoFacts> {
  await using video = await openVideo(path)
  return video.facts
}

/**
 * Answers all questions on one video under every group of arms.
 *
 * The video is opened once and its pictures are decoded once for each number of frames; everything that an arm can
 * change, from the encoder on, runs anew for each group.
 */
export async function markVideo(
  longtake: Longtake,
  { path, questions }: QuizVideo,
  groups: readonly ArmGroup[],
): Promise<readonly MarkedVideo[]> {
  await using video = await openVideo(path)
  const marked: MarkedVideo[] = []
  for (const frames of new Set(groups.map(({ run }) => run.frames))) {
    const alike = groups.filter(({ run }) => run.frames === frames)
    const pictures = await decodePictures(longtake.spec, video, alike)
    for (const group of alike) {
      marked.push({ group, marks: await markArm(longtake, pictures, group.run, questions) })
    }
  }
  return marked
}

async function decodePictures(
  spec: ModelSpec,
  video: Video,
  groups: readonly ArmGroup[],
): Promise<readonly InputFrame[]> {
  const pictures: InputFrame[] = []
  for (const { run } of groups.slice(0, 1)) {
    const { timestamps, sampling } = planArm(spec, video.facts, run)
    for await (const { rgb, width, height, timestampSeconds } of video.frames(timestamps, sampling)) {
      pictures.push({ rgb, width, height, timestampSeconds })
    }
  }
  return pictures
}

async function markArm(
  longtake: Longtake,
  pictures: readonly InputFrame[],
  { layout, rope, kv }: Arm,
  questions: QuizVideo['questions'],
): Promise<readonly Mark[]> {
  await using watched = await longtake.watchFrames(pictures, { layout, rope, kvCache: kv })
  const marks: Mark[] = []
  for (const question of questions) {
    marks.push({ kind: question.kind, isRight: await answersRight(watched, question) })
  }
  return marks
}

/** Asks greedily. An answer is left as soon as what has come of it cannot become the right one. */
async function answersRight(watched: WatchedVideo, question: Question): Promise<boolean> {
  let text = ''
  for await (const piece of watched.ask(question.text)) {
    text += piece
    if (!canBecomeRight(text, question)) return false
  }
  return isRight(text, question)
}

/** Runs `work` on every item, at most `width` at once, and gives the results in the items' order. */
export async function mapPool<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const waiting = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  return results
}
