import { type ModelSpec, type PlanOptions, planVideo, type VideoFacts, type VideoPlan } from '@longtake/core'
import { type Longtake, load, type VideoInputs, type WatchedVideo } from '@longtake/runtime'
import { openVideo } from '@longtake/runtime/video'
import { isLink, openInput } from './input.js'
import { linkOptions } from './link-options.js'
import type { Session } from './main.js'
import { loadOptions, type ModelFlags } from './model-options.js'
import { type AnswerFlags, planOptions, type WatchFlags } from './options.js'
import type { Progress } from './progress.js'
import type { Terminal } from './terminal.js'

/** What was found out before anything runs. */
export interface Prepared extends AsyncDisposable {
  /** As they were given. */
  readonly files: readonly string[]
  /** The video, or the still images; links among them are open. */
  readonly input: VideoInputs
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
 * Flags are compared and the video is looked at first: a slip should not have to wait for a large model.
 */
export async function prepare(
  files: readonly string[],
  flags: ModelFlags & WatchFlags & AnswerFlags,
  { signal, io }: Session,
  progress: Progress,
): Promise<Prepared> {
  planOptions(flags)
  const linkNotes: string[] = []
  const open = () => openInput(files, linkOptions(flags, io.env, linkNotes, signal))
  const opened = await (files.some(isLink) ? progress.fetch(open) : open())
  let longtake: Longtake | undefined
  const close = async (): Promise<void> => {
    await opened[Symbol.asyncDispose]()
    await longtake?.close()
  }
  try {
    const { facts, notes } = await readFacts(opened.preview, signal)
    longtake = await progress.load((onProgress) =>
      load(flags.model, { ...loadOptions(flags, io.env, signal), onProgress }),
    )
    const { options, plan } = planFor(longtake.spec, facts, flags)
    return {
      files,
      input: opened.input,
      longtake,
      facts,
      plan,
      notes: [...linkNotes, ...notes, ...plan.notes],
      options,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The plan that flags ask for, and the options that it comes of. */
export function planFor(
  spec: ModelSpec,
  facts: VideoFacts,
  flags: WatchFlags & AnswerFlags,
): { readonly options: PlanOptions; readonly plan: VideoPlan } {
  const asked = planOptions(flags, spec)
  const options = withRoomFor(flags.maxTokens, asked, planVideo(spec, facts, asked))
  return { options, plan: planVideo(spec, facts, options) }
}

/** Watches a prepared video; its notes are told before the work starts. */
export async function watch(
  { input, longtake, notes, options }: Prepared,
  { signal, err }: Session,
  progress: Progress,
  quiet: boolean | undefined,
): Promise<WatchedVideo> {
  progress.clear()
  if (!quiet) tell(err, notes)
  try {
    const video = await longtake.watch(input, { ...options, signal, onProgress: progress.onProgress })
    progress.clear()
    // What turned up on the way, such as features that were kept.
    if (!quiet) tell(err, laterNotes(video, notes))
    return video
  } finally {
    progress.clear()
  }
}

/** A video's notes beside those that were known before. */
export function laterNotes({ plan }: WatchedVideo, known: readonly string[]): string[] {
  return plan.notes.filter((note) => !known.includes(note))
}

/** Tells notes, one a line. */
export function tell(err: Terminal, notes: readonly string[]): void {
  for (const note of notes) err.line(err.style('dim', err.plain(`note: ${note}`)))
}

/** What is known of a video without a model. */
export async function readFacts(
  input: VideoInputs,
  signal: AbortSignal,
): Promise<{ facts: VideoFacts; notes: readonly string[] }> {
  const video = await openVideo(input, { signal })
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
