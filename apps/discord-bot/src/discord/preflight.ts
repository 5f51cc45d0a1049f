import { InvalidOptionError, LinkError } from '@longtake/core'
import { ApplicationFlags, DiscordAPIError, GatewayCloseCodes, REST, Routes } from 'discord.js'
import { z } from 'zod'
import type { DiscordConfig } from '../config/config.js'

const VERSION = '10'
const REQUEST_MS = 15_000

const applicationSchema = z.object({ id: z.string(), name: z.string(), flags: z.int().default(0) })
const userSchema = z.object({ id: z.string(), username: z.string() })

/** Who the bot is. */
export interface Identity {
  readonly applicationId: string
  readonly userId: string
  readonly name: string
}

/** Requests with the bot's token. */
export function makeRest({ api, token }: DiscordConfig): REST {
  return new REST({ api, version: VERSION, timeout: REQUEST_MS }).setToken(token)
}

/** Ends what a way of requests does from time to time. */
export function stopTimers(rest: REST): void {
  rest.clearHashSweeper()
  rest.clearHandlerSweeper()
}

/**
 * Asks Discord who the bot is, and whether it has what it needs, so that mistakes are told before anything starts.
 *
 * @throws {InvalidOptionError} If Discord does not know the token, or the intent to read messages is off.
 * @throws {LinkError} `LINK_UNREACHABLE` if Discord does not answer.
 */
export async function preflight(rest: REST, config: DiscordConfig): Promise<Identity> {
  try {
    const application = applicationSchema.parse(await rest.get(Routes.currentApplication()))
    if (config.readsContent) requireContentIntent(application.flags)
    const user = userSchema.parse(await rest.get(Routes.user()))
    return { applicationId: application.id, userId: user.id, name: user.username }
  } catch (error) {
    throw startFailure(error, config)
  }
}

/** The same failures, whether the requests or the gateway tell them. */
export function startFailure(error: unknown, { api }: DiscordConfig): unknown {
  if (error instanceof InvalidOptionError || error instanceof LinkError) return error
  const message = error instanceof Error ? error.message : ''
  const isToken =
    error instanceof DiscordAPIError
      ? error.status === 401
      : /invalid token|token was provided/i.test(message)
  if (isToken) {
    const need =
      "a token that Discord knows: make a new one on the bot's page in the developer portal (Bot, Reset Token)"
    return new InvalidOptionError('LONGTAKE_DISCORD_TOKEN', need, 'another one', { cause: error })
  }
  if (/disallowed intents?|privileged intent/i.test(message)) return missingIntent(error)
  const detail =
    error instanceof DiscordAPIError ? `answers ${error.status} (${error.message})` : 'does not answer'
  return new LinkError('LINK_UNREACHABLE', `Discord at ${new URL(api).host} ${detail}. Try again later.`, {
    cause: error,
  })
}

/** Why the gateway will not take the bot back. https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway */
export function closedFor(code: number, config: DiscordConfig): unknown {
  if (code === GatewayCloseCodes.AuthenticationFailed) return startFailure(new Error('Invalid token'), config)
  if (code === GatewayCloseCodes.DisallowedIntents) return missingIntent(undefined)
  return new LinkError('LINK_UNREACHABLE', `Discord has closed the connection for good (${code}).`)
}

function requireContentIntent(flags: number): void {
  const needed = ApplicationFlags.GatewayMessageContent | ApplicationFlags.GatewayMessageContentLimited
  if ((flags & needed) === 0) throw missingIntent(undefined)
}

function missingIntent(cause: unknown): InvalidOptionError {
  const need =
    "the Message Content Intent to be on for this bot: switch it on on the bot's page in the developer portal (Bot, Privileged Gateway Intents), or set this to 0 and do without follow-ups that do not mention the bot, and without the last video of a channel"
  return new InvalidOptionError('LONGTAKE_DISCORD_MESSAGE_CONTENT', need, '1', { cause })
}
