import { setTimeout as sleep } from 'node:timers/promises'
import { isLongtakeError, JobError } from '@longtake/core'
import type { JobQueue } from '@longtake/jobs'
import type { DiscordApi } from '../discord/discord-api.js'
import { refusedBy } from '../discord/discord-failure.js'
import type { Draft } from '../discord/draft.js'
import type { Metrics } from '../http/metrics.js'
import type { Log } from '../log.js'
import type { Outcome, Question, QuestionRecord } from '../store/question.js'
import type { Store } from '../store/store.js'
import { LANGUAGES } from '../texts/texts.js'
import { Board, TOKEN_MS, type Written } from './board.js'
import type { Pace } from './pace.js'
import { Pen, writeSurely } from './pen.js'
import { compose, endDraft, failureText, type Stage, stageDraft } from './view.js'
import type { AskJob, AskProgress, AskResult } from './work.js'

/** Before a full or closing queue is asked again for a question that was taken on already. */
const SUBMIT_PAUSE_MS = 2000
/** Between tries with a disk that is full, or a queue that lost a job. */
const TRY_PAUSE_MS = 5000
const MOST_TRIES = 20

export interface DeliveryKit {
  readonly api: DiscordApi
  readonly store: Store
  readonly jobs: JobQueue<AskJob, AskResult, AskProgress>
  readonly pace: Pace
  readonly log: Log
  readonly metrics: Metrics
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly deadlineMs: number
  readonly ownId: string
}

/** Follows a question that was taken on, from the queue to the last word in Discord. */
export class Delivery {
  readonly #kit: DeliveryKit
  readonly #id: string
  readonly #isResumed: boolean
  readonly #stop = new AbortController()
  readonly #board: Board
  readonly #tokenEndsAt: number
  #jobId: string | undefined

  /** @param isResumed - Whether an earlier process began with it. */
  constructor(kit: DeliveryKit, record: QuestionRecord, isResumed: boolean) {
    this.#kit = kit
    this.#id = record.question.id
    this.#isResumed = isResumed
    this.#tokenEndsAt = record.acceptedAt + TOKEN_MS
    const { api, clock, ownId, store } = kit
    const { question } = record
    const texts = LANGUAGES[question.language]
    const mayPost = question.place.type === 'message' || question.place.mayPost
    const lastWord = endDraft(question, mayPost ? texts.movedOn : texts.ranOut)
    this.#board = new Board(question, {
      api,
      clock,
      ownId,
      isResumed,
      questions: store.questions,
      acceptedAt: record.acceptedAt,
      lastWord: { ...lastWord, buttons: [] },
    })
  }

  /** Tells Discord that the question is taken on. */
  acknowledge(): Promise<void> {
    return this.#board.acknowledge()
  }

  /** Ends the work; what becomes of the question is up to who calls. */
  async cancel(): Promise<boolean> {
    if (this.#jobId === undefined) return false
    return this.#kit.jobs.cancel(this.#jobId).catch(() => false)
  }

  /** Stops where it is; a later process goes on. */
  stop(): void {
    this.#stop.abort()
  }

  /** Never throws: what cannot be delivered is logged. */
  async run(): Promise<void> {
    const { log } = this.#kit
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#runToEnd()
        return
      } catch (error) {
        // The queue has closed: a later process goes on.
        if (this.#stop.signal.aborted || refusalOf(error) === 'restarting') return
        const isHopeless = tries === MOST_TRIES || (!isLongtakeError(error) && refusedBy(error) !== 'later')
        log.error({ question: this.#id, err: error, isHopeless }, 'an answer could not be delivered')
        if (isHopeless) return this.#end('undelivered')
        await sleep(TRY_PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
  }

  async #runToEnd(): Promise<void> {
    const { questions } = this.#kit.store
    for (;;) {
      const record = questions.get(this.#id)
      if (record === undefined || record.hasEnded) return
      const outcome = record.outcome ?? (await this.#follow(record.question))
      const now = questions.get(this.#id)
      if (now === undefined) return
      // An edited question begins anew.
      if (now.question.revision === record.question.revision) return this.#deliver(now, outcome)
    }
  }

  /** Shows how a question's job goes on until it has ended. */
  async #follow(question: Question): Promise<Outcome> {
    const { jobs, pace } = this.#kit
    const pen = new Pen(this.#board, pace, () => void this.cancel())
    const { signal } = this.#stop
    let stage: Stage = { type: 'accepted' }
    let text = ''
    const draft = (): Draft => stageDraft(question, stage, text)
    const show = (): void => pen.show(draft)
    // Where the answer is written changes when the token ends, whether there is news or not.
    const tokenEnds = setTimeout(
      () => pen.repeat(draft),
      Math.max(0, this.#tokenEndsAt - this.#kit.clock()) + 1,
    )
    try {
      this.#jobId = await this.#submit(question)
      show()
      for await (const event of jobs.watch(this.#jobId, { signal })) {
        if (event.type === 'queued') stage = { type: 'queued', position: event.position }
        else if (event.type === 'started') {
          text = ''
          stage = { type: 'running', progress: undefined, isAgain: event.attempt > 1 }
        } else if (event.type === 'progress')
          stage = { type: 'running', progress: event.progress, isAgain: false }
        else if (event.type === 'token') text += event.text
        else if (event.type === 'failed') return { type: 'failed', code: event.reason.code }
        else if (event.type === 'cancelled') return { type: 'cancelled' }
        else return this.#kit.store.questions.get(this.#id)?.outcome ?? { type: 'failed', code: 'UNEXPECTED' }
        show()
      }
      return { type: 'failed', code: 'UNEXPECTED' }
    } finally {
      clearTimeout(tokenEnds)
      await pen.close()
    }
  }

  /** A question that was taken on is put into the queue whatever it takes; twice is the same job. */
  async #submit(question: Question): Promise<string> {
    for (;;) {
      try {
        return await submitQuestion(this.#kit, question)
      } catch (error) {
        if (!(error instanceof JobError) || error.code !== 'JOBS_FULL') throw error
        await sleep(SUBMIT_PAUSE_MS, undefined, { signal: this.#stop.signal })
      }
    }
  }

  async #deliver(record: QuestionRecord, outcome: Outcome): Promise<void> {
    const { question } = record
    const texts = LANGUAGES[question.language]
    if (outcome.type === 'answered') {
      const written = await this.#answer(record, outcome)
      this.#end(written === 'written' ? 'answered' : 'gone')
      return
    }
    const text = outcome.type === 'cancelled' ? texts.cancelled : failureText(question, outcome.code)
    const draft = endDraft(question, text)
    this.#kit.store.questions.setOutcome(this.#id, question.revision, outcome)
    const neutral = stageDraft(question, { type: 'accepted' }, '')
    await this.#surely(() =>
      outcome.type === 'cancelled' ? this.#board.write(draft) : this.#board.tellFailure(text, draft, neutral),
    )
    this.#end(outcome.type === 'cancelled' ? 'cancelled' : outcome.code.toLowerCase())
  }

  async #answer(record: QuestionRecord, outcome: Extract<Outcome, { type: 'answered' }>): Promise<Written> {
    const { question } = record
    const { pictures } = this.#kit.store
    const storyboard =
      question.hasStoryboard && outcome.hasStoryboard
        ? await pictures.get(question.id, 'storyboard.png')
        : undefined
    const write = async (): Promise<Written> => {
      const { first, rest } = compose(question, outcome, this.#board.mayPost, storyboard)
      const written = await this.#board.write(first)
      return written === 'written' && rest.length > 0 ? this.#writeRest(record, rest) : written
    }
    const plainly = async (): Promise<Written> => {
      const { first } = compose(question, outcome, false, undefined)
      return this.#board.write(first)
    }
    try {
      return await this.#surely(write)
    } catch (error) {
      if (refusedBy(error) !== 'malformed') throw error
      this.#kit.log.warn(
        { question: this.#id, err: error },
        'an answer was refused, and is written without pictures',
      )
      return this.#surely(plainly)
    }
  }

  /** Further messages, each one once: what was posted is noted, and looked for after a restart. */
  async #writeRest({ question }: QuestionRecord, rest: readonly Draft[]): Promise<Written> {
    const { api, store, ownId } = this.#kit
    const { channelId, id } = question
    const first = this.#board.place.messageId
    if (first === null) return 'gone'
    let parts = store.questions.get(id)?.parts ?? []
    if (this.#isResumed && parts.length < rest.length) {
      const found = await api.ownReplies(channelId, first, ownId)
      for (const messageId of found.slice(parts.length, rest.length)) store.questions.addPart(id, messageId)
      parts = store.questions.get(id)?.parts ?? []
    }
    for (const [index, draft] of rest.entries()) {
      if (index < parts.length) continue
      store.questions.addPart(id, await api.post(channelId, draft, `${id}-${index + 1}`, first))
    }
    return 'written'
  }

  #surely(write: () => Promise<Written>): Promise<Written> {
    return writeSurely(write, this.#stop.signal)
  }

  #end(outcome: string): void {
    const { metrics, store } = this.#kit
    metrics.question(outcome)
    store.questions.end(this.#id)
  }
}

/**
 * Puts a question into the queue.
 *
 * @returns The id of its job: the same one, however often it is put there.
 * @throws {JobError} `JOBS_FULL` or `JOBS_CLOSED`.
 */
export async function submitQuestion(
  { jobs, deadlineMs }: Pick<DeliveryKit, 'jobs' | 'deadlineMs'>,
  { id, revision, guildId, userId }: Question,
): Promise<string> {
  const job: AskJob = { question: id, revision }
  // Whoever asks much waits for their own questions, and not others for them.
  const key = `${guildId ?? 'direct'} ${userId}`
  const accepted = await jobs.submit(job, { key, idempotencyKey: `${id} ${revision}`, deadlineMs })
  return accepted.id
}

/** Whether the queue takes nothing now, and why. */
export function refusalOf(error: unknown): 'queueFull' | 'restarting' | undefined {
  if (!isLongtakeError(error)) return undefined
  if (error.code === 'JOBS_FULL') return 'queueFull'
  return error.code === 'JOBS_CLOSED' ? 'restarting' : undefined
}
