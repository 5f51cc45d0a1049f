import { type ChatInputCommandInteraction, Events, type Interaction } from 'discord.js'
import type { Discord, DiscordOptions } from '../index.js'
import { connectBot } from './bots.js'
import { COMMANDS, startClub } from './club.js'
import { call } from './raw.js'

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
