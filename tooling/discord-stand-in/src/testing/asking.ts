import { type ChatInputCommandInteraction, Events, type Interaction } from 'discord.js'
import type { Discord, DiscordOptions } from '../index.js'
import { connectBot } from './bots.js'
import { startClub } from './club.js'
import { call } from './raw.js'

export const COMMANDS = [
  { name: 'ask', description: 'Asks', contexts: [0, 1], integration_types: [0, 1] },
  { name: 'Ask about this video', type: 3 },
]

/** A club with the command `ask`, and a bot that handles interactions as told. */
export async function startAsking(
  handle: (interaction: Interaction) => Promise<unknown>,
  options: DiscordOptions = {},
): Promise<{ discord: Discord; failures: unknown[] }> {
  const discord = await startClub(options)
  await call(discord, 'PUT', `/applications/${discord.applicationId}/commands`, COMMANDS)
  const bot = await connectBot(discord)
  const failures: unknown[] = []
  bot.on(Events.InteractionCreate, (interaction) => {
    handle(interaction).catch((error: unknown) => failures.push(error))
  })
  return { discord, failures }
}

/** The same, where nothing but slash commands is handled. */
export const asked = (
  handle: (interaction: ChatInputCommandInteraction) => Promise<unknown>,
  options?: DiscordOptions,
) =>
  startAsking(async (interaction) => {
    if (interaction.isChatInputCommand()) await handle(interaction)
  }, options)
