import { InvalidOptionError } from '@longtake/core'
import { inviteLinks } from './commands/invite.js'
import { registerCommands } from './commands/register.js'
import { type Environment, readDiscordConfig } from './config/config.js'
import { makeRest, preflight, startFailure, stopTimers } from './discord/preflight.js'

/**
 * Tells Discord the bot's commands, unless it knows them already.
 *
 * @param guildId - Of one server alone.
 * @throws {InvalidOptionError} For mistakes of the configuration, an unknown token, and an id that is none.
 * @throws {LinkError} If Discord does not answer.
 */
export async function register(
  env: Environment,
  guildId?: string,
): Promise<{ readonly name: string; readonly isChanged: boolean }> {
  if (guildId !== undefined && !/^\d{17,20}$/.test(guildId))
    throw new InvalidOptionError('guild', 'the id of a server, 17 to 20 digits', guildId)
  const config = readDiscordConfig(env)
  const rest = makeRest(config)
  try {
    const { applicationId, name } = await preflight(rest, { ...config, readsContent: false })
    return { name, isChanged: await registerCommands(rest, applicationId, guildId) }
  } catch (error) {
    throw startFailure(error, config)
  } finally {
    stopTimers(rest)
  }
}

/**
 * The addresses that add the bot to a server and to a person's account.
 *
 * @throws {InvalidOptionError} For mistakes of the configuration, and an unknown token.
 * @throws {LinkError} If Discord does not answer.
 */
export async function invite(env: Environment): Promise<{ readonly server: string; readonly user: string }> {
  const config = readDiscordConfig(env)
  const rest = makeRest(config)
  try {
    const { applicationId } = await preflight(rest, { ...config, readsContent: false })
    return inviteLinks(applicationId)
  } finally {
    stopTimers(rest)
  }
}
