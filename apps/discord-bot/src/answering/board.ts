import type { DiscordApi } from '../discord/discord-api.js'
import { refusedBy } from '../discord/discord-failure.js'
import type { Draft } from '../discord/draft.js'
import type { InteractionPlace, MessagePlace, Place, Question } from '../store/question.js'
import type { Questions } from '../store/questions.js'

/** Discord ends a token after 15 minutes; before that the last word is written by it. */
export const TOKEN_MS = 14.5 * 60 * 1000

export interface BoardOptions {
  readonly api: DiscordApi
  readonly questions: Questions
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly acceptedAt: number
  /** The bot's user. */
  readonly ownId: string
  /** Whether an earlier process may have written something that it could not note. */
  readonly isResumed: boolean
  /** What an interaction's answer says at last, when its token ends before the answer is there. */
  readonly lastWord: Draft
}

/** `gone`: whatever is written, nobody will see it. */
export type Written = 'written' | 'gone'

/**
 * Where an answer is written: the answer of an interaction as long as its token lives, then an ordinary message. Each write
 * says everything, so it may be repeated; which messages there are is noted before anything else is done.
 */
export class Board {
  readonly #question: Question
  readonly #options: BoardOptions
  #place: Place
  /** Whether a deferred answer says something by now. */
  #isShown = false
  /** Whether a message may have been posted. */
  #isPosted = false
  /** Whether the asker knows why there is no answer. */
  #isTold = false

  constructor(question: Question, options: BoardOptions) {
    this.#question = question
    this.#options = options
    this.#place = question.place
  }

  /** Where it is written now. */
  get place(): Place {
    return this.#place
  }

  /** Whether further messages can be written beside this one. */
  get mayPost(): boolean {
    return this.#place.type === 'message' || this.#place.mayPost
  }

  /** Tells Discord at once that an answer will come. */
  async acknowledge(): Promise<void> {
    const place = this.#place
    if (place.type !== 'interaction' || place.isAcknowledged) return
    const { applicationId, token } = place
    const { isInTime, messageId } = await this.#options.api.acknowledge(
      applicationId,
      this.#question.id,
      token,
    )
    if (isInTime) this.#keep({ ...place, isAcknowledged: true, messageId })
    else this.#moveOn(place)
  }

  /** Writes the message, or creates it. Throws when it may work later. */
  async write(draft: Draft): Promise<Written> {
    try {
      await this.acknowledge()
      if (this.#place.type === 'interaction') await this.#writeByToken(this.#place, draft)
      if (this.#place.type === 'message') await this.#writeMessage(this.#place, draft)
      return this.#place.type === 'interaction' && !this.#hasToken(this.#place) ? 'gone' : 'written'
    } catch (error) {
      if (refusedBy(error) === 'gone') return 'gone'
      throw error
    }
  }

  /**
   * Says why there is no answer: to the asker alone where that is possible.
   *
   * @param draft - What everybody sees where it is not.
   * @param neutral - What everybody sees for a moment, since a deferred answer has to be something first.
   */
  async tellFailure(text: string, draft: Draft, neutral: Draft): Promise<Written> {
    if (this.#place.type !== 'interaction' || !this.#hasToken(this.#place)) return this.write(draft)
    if (!this.#isShown && (await this.write(neutral)) === 'gone') return 'gone'
    const place = this.#place
    if (place.type !== 'interaction') return this.write(draft)
    const { api } = this.#options
    try {
      if (!this.#isTold) await api.tellAsker(place.applicationId, place.token, text)
      this.#isTold = true
      await api.deleteOriginal(place.applicationId, place.token)
      return 'written'
    } catch (error) {
      const refused = refusedBy(error)
      if (refused === 'gone' || refused === 'expired') return 'gone'
      throw error
    }
  }

  async #writeByToken(place: InteractionPlace, draft: Draft): Promise<void> {
    const { api, lastWord } = this.#options
    if (!this.#hasToken(place)) {
      if (place.token !== '')
        await api.editOriginal(place.applicationId, place.token, lastWord).catch(() => {})
      this.#moveOn(place)
      return
    }
    try {
      const messageId = await api.editOriginal(place.applicationId, place.token, draft)
      this.#isShown = true
      if (place.messageId === null) this.#keep({ ...place, isAcknowledged: true, messageId })
    } catch (error) {
      if (refusedBy(error) !== 'expired') throw error
      this.#moveOn(place)
    }
  }

  async #writeMessage(place: MessagePlace, draft: Draft): Promise<void> {
    const { api, isResumed, ownId } = this.#options
    const { id, channelId } = this.#question
    if (place.messageId !== null) {
      await api.edit(channelId, place.messageId, draft)
      return
    }
    const [found] =
      isResumed && place.replyTo !== null ? await api.ownReplies(channelId, place.replyTo, ownId) : []
    const mayBeThere = found !== undefined || this.#isPosted
    this.#isPosted = true
    const messageId = found ?? (await api.post(channelId, draft, id, place.replyTo))
    this.#keep({ ...place, messageId })
    // What was posted before, and whose answer was lost, says what was to be said then.
    if (mayBeThere) await api.edit(channelId, messageId, draft)
  }

  #hasToken({ token }: InteractionPlace): boolean {
    return token !== '' && this.#options.clock() - this.#options.acceptedAt < TOKEN_MS
  }

  /** From here on an ordinary message, where one may be written. */
  #moveOn(place: InteractionPlace): void {
    if (place.mayPost) this.#keep({ type: 'message', replyTo: place.messageId, messageId: null })
    else this.#place = { ...place, token: '' }
  }

  #keep(place: Place): void {
    this.#place = place
    this.#options.questions.setPlace(this.#question.id, place)
  }
}
