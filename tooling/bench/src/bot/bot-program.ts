import type { Discord } from '@longtake/discord-stand-in'
import { type Program, startProgram } from '../api/program.js'
import type { Scratch } from '../scratch.js'

/** A supervisor starts a bot again that could not start. */
const MOST_STARTS = 5

/** A `longtake bot` in a process of its own. */
export interface BotProgram extends Program {
  /** Where `/metrics` is. */
  readonly healthUrl: string
}

/**
 * Starts the bot on a stand-in for Discord, as an operator does; links may lead to loopback.
 *
 * @param folder - Its state, which outlives it.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if it does not start, several times.
 */
export async function startBotProgram(
  scratch: Scratch,
  { token, rest }: Discord,
  folder: string,
): Promise<BotProgram> {
  const env = {
    LONGTAKE_DISCORD_TOKEN: token,
    LONGTAKE_DISCORD_API: rest.api,
    LONGTAKE_STATE: folder,
    LONGTAKE_HEALTH_PORT: '0',
    LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
    LONGTAKE_LINK_PORTS: 'any',
    LONGTAKE_LOG: 'warn',
    LONGTAKE_USER_QUESTIONS_PER_HOUR: '100000',
    LONGTAKE_USER_WAITING: '10',
  }
  for (let starts = 1; ; starts++) {
    try {
      const { told: healthUrl, ...program } = await startProgram(scratch, 'bot', healthUrlOf, env)
      return { ...program, healthUrl }
    } catch (error) {
      if (starts === MOST_STARTS) throw error
    }
  }
}

/** Questions that the bot took on and has not answered yet; `undefined` if it does not say. */
export async function openQuestionsOf({ healthUrl }: BotProgram): Promise<number | undefined> {
  try {
    const text = await (await fetch(`${healthUrl}/metrics`)).text()
    const value = /^longtake_bot_questions_open (\d+)$/m.exec(text)?.[1]
    return value === undefined ? undefined : Number(value)
  } catch {
    return undefined
  }
}

function healthUrlOf(line: string): string | undefined {
  return /Health and metrics: (http\S+?)\. /.exec(line)?.[1]
}
