import { CancelledError, isLongtakeError } from '@longtake/core'
import type { JobRun } from '@longtake/jobs'
import type { Engine, EngineProgress, EngineResult, EngineVideoRef } from '../engine/engine.js'
import type { Question } from '../store/question.js'
import type { Store } from '../store/store.js'
import { plainText } from '../text/safe-text.js'
import type { Attachments } from './attachments.js'

const ANSWER_CHARACTERS = 100_000
/** A larger picture is no help in a channel, and Discord takes no files beyond 10 MiB. */
const MOST_PICTURE_BYTES = 6 * 2 ** 20

/** A job says which question is worked on, and nothing about who asked what: the log of jobs keeps no secrets. */
export type AskJob = { readonly question: string; readonly revision: number }
/** The answer is in the store, from which it can be deleted. */
export type AskResult = { readonly isAnswered: true }
export type AskProgress = {
  readonly stage: EngineProgress['stage']
  readonly done: number
  readonly total: number
}

export interface WorkKit {
  readonly engine: Engine
  readonly store: Store
  readonly attachments: Attachments
}

/** An engine that was lost with a question is tried with it once more; the bot's own restarts are no fault of a question. */
const MOST_ENGINE_LOSSES = 1
const LOST: ReadonlySet<string> = new Set(['ENGINE_CRASHED', 'ENGINE_FAILED', 'ENGINE_CLOSED'])

/** Which failures are worth another attempt. */
export function retrying(): {
  isRetryable(error: unknown): boolean
  failed(error: unknown, attempt: number): void
} {
  const final = new WeakSet<object>()
  return {
    isRetryable: (error) => isLongtakeError(error) && LOST.has(error.code) && !final.has(error),
    failed(error, attempt) {
      if (isLongtakeError(error) && attempt > MOST_ENGINE_LOSSES) final.add(error)
    },
  }
}

/** Answers a question, and writes the answer down. Doing it twice does no harm. */
export async function work(
  { engine, store, attachments }: WorkKit,
  { job, signal, progress, token }: JobRun<AskJob, AskProgress>,
): Promise<AskResult> {
  const question = current(store, job)
  const result = await engine.run(
    {
      owner: question.guildId ?? question.userId,
      model: question.model,
      video: await videoOf(question, store, attachments, signal),
      range: question.range,
      frames: question.frames,
      question: question.kind === 'ask' ? question.text : undefined,
    },
    {
      signal,
      onProgress: ({ stage, done, total }) => progress({ stage, done, total }),
      onText: token,
    },
  )
  // Somebody may have edited or deleted the question meanwhile.
  await keep(store, current(store, job), result)
  return { isAnswered: true }
}

function current(store: Store, { question: id, revision }: AskJob): Question {
  const question = store.questions.get(id)?.question
  if (question === undefined || question.revision !== revision)
    throw new CancelledError('The question is gone.')
  return question
}

async function videoOf(
  question: Question,
  { files }: Store,
  attachments: Attachments,
  signal: AbortSignal,
): Promise<EngineVideoRef> {
  if (question.video.type === 'link') return { type: 'link', url: question.video.url }
  const name = await attachments.fetch(question, signal)
  return { type: 'file', name, open: () => files.source(name) }
}

async function keep({ pictures, questions }: Store, question: Question, result: EngineResult): Promise<void> {
  const isSmall = (png: Uint8Array | undefined): png is Uint8Array =>
    png !== undefined && png.byteLength <= MOST_PICTURE_BYTES
  const { storyboard, evidence } = result
  if (isSmall(storyboard)) await pictures.put(question.id, 'storyboard.png', storyboard)
  const frames = await Promise.all(
    evidence.map(async ({ timestampSeconds, weight, picture }, index) => {
      if (isSmall(picture)) await pictures.put(question.id, `${index}.png`, picture)
      return { timestampSeconds, weight, hasPicture: isSmall(picture) }
    }),
  )
  questions.setOutcome(question.id, question.revision, {
    type: 'answered',
    text: plainText(result.text, ANSWER_CHARACTERS),
    model: question.model,
    durationSeconds: result.durationSeconds,
    frames: result.frames,
    evidence: frames,
    hasStoryboard: isSmall(storyboard),
  })
}
