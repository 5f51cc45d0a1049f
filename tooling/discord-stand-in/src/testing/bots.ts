import { setTimeout as pause } from 'node:timers/promises'
import { Client, type ClientOptions, Events, GatewayIntentBits, Partials, Status } from 'discord.js'
import type { Discord } from '../index.js'
import { afterTest } from './cleanup.js'

const ALL_INTENTS = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
  GatewayIntentBits.MessageContent,
]

/** A bot of real discord.js that is logged in. Destroyed after the test. */
export async function connectBot(
  discord: Discord,
  options: Partial<ClientOptions> = {},
): Promise<Client<true>> {
  const { rest, ...others } = options
  const bot = createBot(discord, { ...others, rest: { ...rest } })
  const ready = new Promise<Client<true>>((resolve) => bot.once(Events.ClientReady, resolve))
  await bot.login(discord.token)
  return ready
}

export function createBot(discord: Discord, options: Partial<ClientOptions> = {}): Client {
  const bot = new Client({
    intents: ALL_INTENTS,
    partials: [Partials.Channel, Partials.Message],
    ...options,
    rest: { ...options.rest, ...discord.rest },
  })
  bot.on(Events.Error, () => undefined)
  afterTest(() => destroy(bot))
  return bot
}

/** A connection that is being made ignores its end, so it is waited for. */
async function destroy(bot: Client): Promise<void> {
  const atRest = [Status.Ready, Status.Disconnected, Status.Idle]
  for (let looks = 0; looks < 500 && bot.ws.shards.some(({ status }) => !atRest.includes(status)); looks++)
    await pause(20)
  await bot.destroy()
}
