import { type PlanOptions, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import { type Longtake, load, type WatchedVideo } from '@longtake/runtime'
import { openVideo } from '@longtake/runtime/video'
import type { Session } from './main.js'
import { type AnswerFlags, loadOptions, type ModelFlags, planOptions, type WatchFlags } from './options.js'
import type { Progress } from './progress.js'

/** What was found out before anything runs. */
export interface Prepared extends AsyncDisposable {
  readonly longtake: Longtake
  readonly facts: VideoFacts
  readonly plan: VideoPlan
  /** Of the file and of the plan. */
  readonly notes: readonly string[]
  readonly options: PlanOptions
}

/**
 * Opens the video, loads the model, and plans.
 *
 * The video is looked at first, because a wrong path should not have to wait for a large model.
 */
export async function prepare(
  file: string,
  flags: ModelFlags & WatchFlags & AnswerFlags,
  { signal }: Session,
  progress: Progress,
): Promise<Prepared> {
  const asked = planOptions(flags)
  const { facts, notes } = await readFacts(file, signal)
  const longtake = await progress.load(() => load(flags.model, loadOptions(flags, signal)))
  try {
    const options = withRoomFor(flags.maxTokens, asked, planVideo(longtake.spec, facts, asked))
    const plan = planVideo(longtake.spec, facts, options)
    return {
      longtake,
      facts,
      plan,
      notes: [...notes, ...plan.notes],
      options,
      [Symbol.asyncDispose]: () => longtake.close(),
    }
  } catch (error) {
    await longtake.close()
    throw error
  }
}

/** Watches a prepared video; its notes are told before the work starts. */
export async function watch(
  file: string,
  { longtake, notes, options }: Prepared,
  { signal, err }: Session,
  progress: Progress,
  quiet: boolean | undefined,
): Promise<WatchedVideo> {
  progress.clear()
  if (!quiet) for (const note of notes) err.line(err.style('dim', err.plain(`note: ${note}`)))
  try {
    return await longtake.watch(file, { ...options, signal, onProgress: progress.onProgress })
  } finally {
    progress.clear()
  }
}

async function readFacts(
  file: string,
  signal: AbortSignal,
): Promise<{ facts: VideoFacts; notes: readonly string[] }> {
  const video = await openVideo(file, { signal })
  const { facts, notes } = video
  await video.close()
  return { facts, notes }
}

/** Answers that may be longer than the plan's own reserve get room; shorter ones leave the plan as it is. */
function withRoomFor(maxTokens: number | undefined, options: PlanOptions, plan: VideoPlan): PlanOptions {
  if (maxTokens === undefined) return options
  const text = plan.contextTokens - plan.visualTokens
  // Without a word about it, questions and answers are given the same room.
  const reserve = options.promptTokens === undefined ? text / 2 : text - options.promptTokens
  return maxTokens > reserve ? { ...options, maxNewTokens: maxTokens } : options
}
