import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Discord, type DiscordOptions, startDiscord } from '@longtake/discord-stand-in'
import { type BotOptions, type RunningBot, startBot } from '../src/index.js'

/** Lets links lead to the test's own server. */
const LOOPBACK_LINKS = { LONGTAKE_LINK_NETWORKS: '127.0.0.0/8', LONGTAKE_LINK_PORTS: 'any' }

/** A club with two members, a moderator, and a channel that the bot does not see. */
export const CLUB: DiscordOptions = {
  users: [{ name: 'ada' }, { name: 'bob' }, { name: 'mod' }],
  guilds: [
    {
      name: 'club',
      owner: 'mod',
      channels: [{ name: 'talks' }, { name: 'quiet', overwrites: [{ for: 'bot', deny: ['SendMessages'] }] }],
    },
  ],
  identifyIntervalMs: 0,
}

/** A Discord with the bot in it, and a folder that outlives the bot. */
export interface Stage extends AsyncDisposable {
  readonly discord: Discord
  readonly folder: string
  /** The bot that was started last. */
  readonly bot: RunningBot
  /** Starts another bot on the same folder. */
  start(options?: BotOptions, env?: Readonly<Record<string, string>>): Promise<RunningBot>
}

export async function setUp(
  options: BotOptions = {},
  env: Readonly<Record<string, string>> = {},
  world: DiscordOptions = CLUB,
): Promise<Stage> {
  const discord = await startDiscord(world)
  const folder = await mkdtemp(join(tmpdir(), 'longtake-bot-'))
  const bots: RunningBot[] = []
  const start = async (given: BotOptions = options, more: Readonly<Record<string, string>> = {}) => {
    const bot = await startBot({ ...environment(discord, folder), ...env, ...more }, given)
    bots.push(bot)
    await discord.ready()
    return bot
  }
  try {
    await start()
  } catch (error) {
    await discord.close()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return {
    discord,
    folder,
    get bot() {
      return bots.at(-1) as RunningBot
    },
    start,
    async [Symbol.asyncDispose]() {
      await Promise.all(bots.map((bot) => bot.close()))
      await discord.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The least that a bot on a stand-in needs. */
export function environment(discord: Discord, folder: string): Readonly<Record<string, string>> {
  return {
    LONGTAKE_DISCORD_TOKEN: discord.token,
    LONGTAKE_DISCORD_API: discord.rest.api,
    LONGTAKE_STATE: folder,
    LONGTAKE_HEALTH_PORT: '0',
    LONGTAKE_LOG: process.env.BOT_LOG ?? 'silent',
    // Processes are started from what was built, tests run the sources.
    LONGTAKE_ISOLATE: '0',
    LONGTAKE_DRAIN_SECONDS: '0',
    ...LOOPBACK_LINKS,
  }
}
