import type { Language } from '../texts/texts.js'

/** Where a video is: a link that somebody gave, or a file that was posted in Discord, whose link ends after a day. */
export interface VideoRef {
  readonly type: 'link' | 'attachment'
  readonly url: string
}

/** A part of a video. Seconds. */
export interface Range {
  readonly startSeconds?: number
  readonly endSeconds?: number
}

/** Under the answer to an interaction; its token ends after 15 minutes. */
export interface InteractionPlace {
  readonly type: 'interaction'
  readonly applicationId: string
  /** Absent once the question has ended. */
  readonly token: string
  /** Whether Discord was told that the question is taken on. */
  readonly isAcknowledged: boolean
  /** Whether an ordinary message may be written in the channel. */
  readonly mayPost: boolean
  readonly messageId: string | null
}

/** In an ordinary message of the bot's. */
export interface MessagePlace {
  readonly type: 'message'
  /** The message that it answers. */
  readonly replyTo: string | null
  readonly messageId: string | null
}

/** Where an answer is written. */
export type Place = InteractionPlace | MessagePlace

/** A question, or a video that is to be watched ahead of questions, as it was taken on. */
export interface Question {
  /** Of the interaction or message that asked: Discord gives it once. */
  readonly id: string
  /** 0, and one more whenever the question was edited. */
  readonly revision: number
  readonly kind: 'ask' | 'watch'
  readonly userId: string
  /** As it is shown with the question. */
  readonly userName: string
  readonly guildId: string | null
  readonly channelId: string
  readonly video: VideoRef
  readonly text: string
  readonly range: Range
  /** As many as the model likes, where none are said. */
  readonly frames: number | null
  readonly model: string
  readonly language: Language
  readonly hasStoryboard: boolean
  readonly place: Place
}

/** A sampled picture, and how much the answer rests on it. */
interface AnswerFrame {
  readonly timestampSeconds: number
  /** 0 to 1; those of all frames add up to 1. */
  readonly weight: number
  /** Whether its picture is kept. */
  readonly hasPicture: boolean
}

/** What came of a question. */
export type Outcome =
  | {
      readonly type: 'answered'
      readonly text: string
      readonly model: string
      readonly durationSeconds: number
      readonly frames: number
      /** The frames that the answer rests on most, first. */
      readonly evidence: readonly AnswerFrame[]
      readonly hasStoryboard: boolean
    }
  | { readonly type: 'failed'; readonly code: string }
  | { readonly type: 'cancelled' }

/** A question with how far it is. */
export interface QuestionRecord {
  readonly question: Question
  readonly outcome: Outcome | null
  /** Whether there is nothing left to be written. */
  readonly hasEnded: boolean
  /** Messages that hold the rest of a long answer, in order. */
  readonly parts: readonly string[]
  /** Milliseconds since 1970. */
  readonly acceptedAt: number
}
