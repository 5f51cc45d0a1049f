import { type Discord, type DiscordOptions, startDiscord } from '../index.js'
import { afterTest } from './cleanup.js'

/** A small club: `ada` and `mod` (the owner), the channels `talks` and `news`. Closed after the test. */
export async function startClub(options: DiscordOptions = {}): Promise<Discord> {
  const discord = await startDiscord({
    identifyIntervalMs: 0,
    users: [{ name: 'ada' }, { name: 'mod' }],
    guilds: [{ name: 'club', owner: 'mod', channels: [{ name: 'talks' }, { name: 'news' }] }],
    ...options,
  })
  afterTest(() => discord.close())
  return discord
}

export const COMMANDS = [
  { name: 'ask', description: 'Asks', contexts: [0, 1], integration_types: [0, 1] },
  { name: 'Ask about this video', type: 3 },
]
