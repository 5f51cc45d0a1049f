import { EngineError, type ModelSpec, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { InputFrame, Longtake, WatchedVideo, WatchOptions } from '@longtake/runtime'
import { openVideo, type Video } from '@longtake/runtime/video'
import { type Arm, type ArmGroup, describeArm } from './quality-arms.js'
import { canBecomeRight, isRight, type Question, type QuizVideo } from './quality-data.js'

/** One answered question. */
interface Mark {
  readonly kind: string
  readonly isRight: boolean
}

/** Marks of one group of arms on one video, and the plan they were earned with. */
export interface MarkedVideo {
  readonly group: ArmGroup
  readonly plan: VideoPlan
  readonly marks: readonly Mark[]
}

/** A video's plan under an arm. */
export function planArm(spec: ModelSpec, facts: VideoFacts, arm: Arm): VideoPlan {
  if (arm.frames === 'auto') return planVideo(spec, facts)
  const { frames, layout, rope, kv, pooling, tokenBudget } = arm
  return planVideo(spec, facts, { frames, layout, rope, kvCache: kv, pooling, tokenBudget })
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
  const planned = groups.map((group) => ({ group, plan: planArm(longtake.spec, video.facts, group.run) }))
  const marked: MarkedVideo[] = []
  for (const frames of new Set(planned.map(({ plan }) => plan.frames))) {
    const alike = planned.filter(({ plan }) => plan.frames === frames)
    const pictures = await decodePictures(video, alike[0]?.plan)
    for (const { group, plan } of alike) {
      marked.push({
        group,
        plan,
        marks: await markArm(longtake, pictures, { plan, arm: group.run }, questions),
      })
    }
  }
  return marked
}

async function decodePictures(video: Video, plan: VideoPlan | undefined): Promise<readonly InputFrame[]> {
  const pictures: InputFrame[] = []
  if (plan === undefined) return pictures
  for await (const { rgb, width, height, timestampSeconds } of video.frames(plan.timestamps, plan.sampling)) {
    pictures.push({ rgb, width, height, timestampSeconds })
  }
  return pictures
}

async function markArm(
  longtake: Longtake,
  pictures: readonly InputFrame[],
  { plan, arm }: { readonly plan: VideoPlan; readonly arm: Arm },
  questions: QuizVideo['questions'],
): Promise<readonly Mark[]> {
  await using watched = await longtake.watchFrames(pictures, optionsOf(plan, arm))
  expectSamePlan(watched.plan, plan, arm)
  const marks: Mark[] = []
  for (const question of questions) {
    marks.push({ kind: question.kind, isRight: await answersRight(watched, question) })
  }
  return marks
}

/** The windows are the plan's, so that given pictures are pooled as the video would be. */
function optionsOf({ pooling }: VideoPlan, arm: Arm): WatchOptions {
  const windows: WatchOptions = {
    pooling:
      pooling === null ? 'none' : { method: pooling.method, kernel: pooling.kernel, stride: pooling.stride },
  }
  if (arm.frames === 'auto') return windows
  return { ...windows, layout: arm.layout, rope: arm.rope, kvCache: arm.kv }
}

function expectSamePlan(watched: VideoPlan, plan: VideoPlan, arm: Arm): void {
  const facts = ({ frames, visualTokens, order, rope, kvCache }: VideoPlan): string =>
    JSON.stringify([frames, visualTokens, order, rope.inverseFrequencies, kvCache.type])
  if (facts(watched) === facts(plan)) return
  throw new EngineError(
    'ENGINE_FAILED',
    `Given pictures were not watched as the video would be (${describeArm(arm)}): nothing to score.`,
  )
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
