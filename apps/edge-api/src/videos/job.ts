import type { ClipLayout, KvCacheType, PoolingMethod, RopeType } from '@longtake/core'
import type { JobProgress as Progress } from './progress.js'
import type { AnswerReport, VideoReport } from './report.js'

/** Where a picture or a video comes from: a link, or bytes that were sent. */
export type Source =
  | { readonly type: 'link'; readonly url: string }
  | { readonly type: 'upload'; readonly id: string }

/** What may be said about watching; names as in `PlanOptions` of `@longtake/core`. */
export type WatchSettings = {
  readonly frames?: number | 'auto'
  readonly fps?: number
  readonly maxFrames?: number
  readonly startSeconds?: number
  readonly endSeconds?: number
  readonly layout?: ClipLayout
  readonly rope?: RopeType
  readonly kvCache?: 'auto' | KvCacheType
  readonly pooling?: PoolingMethod
  readonly tokenBudget?: number
  readonly sampling?: 'auto' | 'keyframe' | 'exact'
}

/** What may be said about an answer; names as in `AskOptions` of `@longtake/runtime`. */
export type AskSettings = {
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  readonly maxTokens?: number
}

/** What is to be watched. Two that are equal in it share one watched video. */
export type WatchWork = {
  readonly model: string
  readonly sources: readonly Source[]
  readonly watch: WatchSettings
}

/** A job of the queue: a question, watching ahead of questions, or a picture that somebody waits for. */
export type VideoJob =
  | ({ readonly kind: 'ask'; readonly question: string; readonly ask: AskSettings } & WatchWork)
  | ({ readonly kind: 'watch' } & WatchWork)
  | ({ readonly kind: 'storyboard'; readonly ticket: string } & WatchWork)

export type VideoResult =
  | ({ readonly kind: 'ask' } & AnswerReport)
  | ({ readonly kind: 'watch' } & VideoReport)
  /** The picture itself goes to who waits for it: it would fill the queue's folder. */
  | { readonly kind: 'storyboard' }

export type JobProgress = Progress
