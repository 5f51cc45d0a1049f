import { de } from './de.js'
import { en } from './en.js'

/** What the bot says itself. Numbers in seconds where a name says so; everything given is safe to show. */
export interface Texts {
  readonly stages: Readonly<Record<'open' | 'decode' | 'encode' | 'prefill' | 'answer', string>>
  readonly accepted: string
  readonly queued: (position: number) => string
  readonly again: string
  readonly asked: (name: string, question: string) => string
  readonly restsOn: (moments: string) => string
  readonly frames: (count: number) => string
  readonly empty: string
  readonly watched: (duration: string, frames: number) => string
  readonly attached: string
  readonly continued: string
  readonly movedOn: string
  readonly ranOut: string
  readonly cancelled: string
  readonly storyboardAlt: (frames: number, moments: string) => string
  readonly frameAlt: (moment: string) => string
  readonly framesTitle: string
  readonly framesGone: string
  readonly buttons: Readonly<Record<'cancel' | 'delete' | 'more' | 'frames', string>>
  readonly modal: { readonly title: string; readonly label: string; readonly placeholder: string }
  readonly help: (isGuild: boolean) => string
  readonly forgot: (questions: number, files: number) => string
  readonly settings: {
    readonly title: string
    readonly saved: string
    readonly names: Readonly<
      Record<'frames' | 'model' | 'language' | 'storyboard' | 'channels' | 'roles', string>
    >
    readonly everywhere: string
    readonly everybody: string
    readonly byModel: string
    readonly yes: string
    readonly no: string
  }
  readonly refused: Readonly<Record<Refusal, (detail: string) => string>>
  readonly failed: Readonly<Record<Failure, string>>
}

/** Why something is not done, told before anything was taken on. `detail` is a name, a number, or empty. */
export type Refusal =
  | 'noVideo'
  | 'noVideoInMessage'
  | 'noVideoInChannel'
  | 'history'
  | 'twoVideos'
  | 'badLink'
  | 'badMoment'
  | 'badRange'
  | 'emptyQuestion'
  | 'unread'
  | 'channel'
  | 'role'
  | 'permissions'
  | 'notYours'
  | 'gone'
  | 'running'
  | 'mostFrames'
  | 'userWaiting'
  | 'userHour'
  | 'guildDay'
  | 'queueFull'
  | 'restarting'
  | 'manageServer'
  | 'model'
  | 'broken'

/** How a question failed that was taken on. */
export type Failure =
  | 'refusedLink'
  | 'notFound'
  | 'expired'
  | 'unreachable'
  | 'slow'
  | 'changed'
  | 'notMedia'
  | 'notVideo'
  | 'codec'
  | 'damaged'
  | 'tooLarge'
  | 'tooLong'
  | 'options'
  | 'engine'
  | 'time'
  | 'interrupted'
  | 'broken'

export const LANGUAGES = { en, de } as const satisfies Record<string, Texts>

export type Language = keyof typeof LANGUAGES

/** The nearest language that the bot has, of one of Discord's locales such as `en-GB`. */
export function languageOf(locale: string | null | undefined): Language {
  const base = (locale ?? '').split('-')[0] ?? ''
  return Object.hasOwn(LANGUAGES, base) ? (base as Language) : 'en'
}
