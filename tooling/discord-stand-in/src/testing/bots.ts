import { Client, type ClientOptions, Events, GatewayIntentBits, Partials } from 'discord.js'
import { afterEach } from 'vitest'
import type { Discord } from '../index.js'

const opened: Client[] = []

afterEach(async () => {
  for (const bot of opened.splice(0)) await bot.destroy()
})

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
  opened.push(bot)
  return bot
}
