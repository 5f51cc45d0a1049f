import { setTimeout as sleep } from 'node:timers/promises'
import { InteractionResponseType, MessageFlags, REST, Routes } from 'discord.js'
import type { DiscordConfig } from '../config/config.js'
import { refusedBy } from './discord-failure.js'
import { bodyOf, type Draft, NO_MENTIONS } from './draft.js'
import { stopTimers } from './preflight.js'

const VERSION = '10'
/** Discord gives up on an interaction after 3 seconds; a second try has to fit in. */
const ACKNOWLEDGE_MS = 1200
const MOST_DELETIONS = 3
const DELETION_PAUSE_MS = 1000
const WRITE_MS = 15_000
/** Messages that are looked through for one of the bot's own, after a restart. */
const LOOKED_THROUGH = 50

/** What is read of a message. */
interface Posted {
  readonly id: string
  readonly author?: { readonly id: string }
  readonly message_reference?: { readonly message_id?: string }
}

/** The requests that answers need, by ids alone, so that a later process can go on with them. */
export class DiscordApi {
  /** Requests as the bot, with Discord's global limit. */
  readonly #bot: REST
  /**
   * Requests by an interaction's token, which the global limit does not cover, so that nothing delays an acknowledgement:
   * https://discord.com/developers/docs/interactions/receiving-and-responding#endpoints
   */
  readonly #interactions: REST
  readonly #acknowledgements: REST

  constructor({ api, token }: DiscordConfig) {
    // Repeating at once what failed would use up a limit that failed answers do not tell: whoever writes waits, and repeats.
    const options = { api, version: VERSION, timeout: WRITE_MS, retries: 0 }
    this.#bot = new REST(options).setToken(token)
    this.#interactions = new REST({ ...options, globalRequestsPerSecond: 1000 })
    this.#acknowledgements = new REST({ ...options, timeout: ACKNOWLEDGE_MS, retries: 1 })
  }

  /** Ends the timers of requests; none may be made any more. */
  close(): void {
    for (const rest of [this.#bot, this.#interactions, this.#acknowledgements]) stopTimers(rest)
  }

  /** Told of every limit that a request has to wait for, and of every answer. */
  observe(onWait: () => void, onRefused: (status: number) => void): void {
    for (const rest of [this.#bot, this.#interactions, this.#acknowledgements]) {
      rest.on('rateLimited', onWait)
      rest.on('response', (_, { status }) => {
        if (status === 429) onRefused(status)
      })
    }
  }

  /**
   * Tells Discord that an answer will come.
   *
   * @returns Whether it can still come by the interaction's token, and the id of its message where Discord says it.
   */
  async acknowledge(
    applicationId: string,
    id: string,
    token: string,
  ): Promise<{ readonly isInTime: boolean; readonly messageId: string | null }> {
    try {
      const answer = await this.#acknowledgements.post(Routes.interactionCallback(id, token), {
        body: { type: InteractionResponseType.DeferredChannelMessageWithSource, data: {} },
        query: new URLSearchParams({ with_response: 'true' }),
        auth: false,
      })
      const { resource } = answer as { readonly resource?: { readonly message?: Posted } }
      return { isInTime: true, messageId: resource?.message?.id ?? null }
    } catch (error) {
      const refused = refusedBy(error)
      if (refused === 'acknowledged')
        return { isInTime: true, messageId: await this.#originalId(applicationId, token) }
      if (refused === 'expired' || refused === 'gone') return { isInTime: false, messageId: null }
      throw error
    }
  }

  async #originalId(applicationId: string, token: string): Promise<string | null> {
    const route = Routes.webhookMessage(applicationId, token, '@original')
    const found = await this.#interactions.get(route, { auth: false }).catch(() => undefined)
    return (found as Posted | undefined)?.id ?? null
  }

  /** @returns The id of the message. */
  async editOriginal(applicationId: string, token: string, draft: Draft): Promise<string> {
    const route = Routes.webhookMessage(applicationId, token, '@original')
    const message = await this.#interactions.patch(route, { ...bodyOf(draft), auth: false })
    return (message as Posted).id
  }

  async deleteOriginal(applicationId: string, token: string): Promise<void> {
    await this.#interactions.delete(Routes.webhookMessage(applicationId, token, '@original'), { auth: false })
  }

  /** Says something to the asker alone. */
  async tellAsker(applicationId: string, token: string, content: string): Promise<void> {
    await this.#interactions.post(Routes.webhook(applicationId, token), {
      body: { content, flags: MessageFlags.Ephemeral, allowed_mentions: NO_MENTIONS },
      auth: false,
    })
  }

  /**
   * @param nonce - The same one gives the same message for some minutes, however often it is sent.
   * @param replyTo - A message that may be gone.
   * @returns The id of the message.
   */
  async post(channelId: string, draft: Draft, nonce: string, replyTo: string | null): Promise<string> {
    const { body, ...files } = bodyOf(draft)
    const reference = replyTo !== null && {
      message_reference: { message_id: replyTo, fail_if_not_exists: false },
    }
    const message = await this.#bot.post(Routes.channelMessages(channelId), {
      body: { ...body, nonce, enforce_nonce: true, flags: MessageFlags.SuppressEmbeds, ...reference },
      ...files,
    })
    return (message as Posted).id
  }

  async edit(channelId: string, messageId: string, draft: Draft): Promise<void> {
    await this.#bot.patch(Routes.channelMessage(channelId, messageId), bodyOf(draft))
  }

  /** Deletes a message; one that is gone is no failure. */
  async delete(channelId: string, messageId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#bot.delete(Routes.channelMessage(channelId, messageId))
        return
      } catch (error) {
        const refused = refusedBy(error)
        if (refused === 'gone') return
        if (refused !== 'later' || tries === MOST_DELETIONS) throw error
        await sleep(DELETION_PAUSE_MS)
      }
    }
  }

  /** The bot's own messages that reply to one, oldest first; none where they cannot be read. */
  async ownReplies(channelId: string, to: string, ownId: string): Promise<readonly string[]> {
    const query = new URLSearchParams({ after: to, limit: String(LOOKED_THROUGH) })
    const found = await this.#bot
      .get(Routes.channelMessages(channelId), { query })
      .catch((error: unknown) => {
        if (refusedBy(error) === 'later') throw error
        return []
      })
    return (found as readonly Posted[])
      .filter(({ author, message_reference }) => author?.id === ownId && message_reference?.message_id === to)
      .map(({ id }) => id)
      .sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  }
}
