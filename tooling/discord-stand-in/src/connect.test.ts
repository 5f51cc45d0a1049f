import { Client, Events, GatewayIntentBits, MessageFlags } from 'discord.js'
import { afterEach, expect, test } from 'vitest'
import { type Discord, startDiscord } from './index.js'

let discord: Discord
let client: Client<true>

afterEach(async () => {
  await client?.destroy()
  await discord?.close()
})

test('a slash command is deferred, edited and followed up', async () => {
  discord = await startDiscord({
    users: [{ name: 'ada' }],
    guilds: [{ name: 'club', channels: [{ name: 'talks' }] }],
    identifyIntervalMs: 0,
  })
  client = new Client<true>({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
    rest: discord.rest,
  })
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve))
  await client.login(discord.token)
  await ready
  await client.application.commands.set([
    {
      name: 'ask',
      description: 'Ask',
      options: [{ type: 3, name: 'link', description: 'x', required: true }],
    },
  ])
  client.on(Events.InteractionCreate, async (interaction) => {
    if (!interaction.isChatInputCommand()) return
    await interaction.deferReply()
    await interaction.editReply(`You gave ${interaction.options.getString('link')}`)
    await interaction.followUp({ content: 'and more', flags: MessageFlags.Ephemeral })
  })
  const asked = discord.user('ada').slash('ask', { link: 'https://x.example' }, { channel: 'talks' })
  const followup = await discord.until(() => asked.followups[0])
  expect(asked.acknowledgedAfterMs).toBeLessThan(3000)
  expect(asked.reply?.content).toBe('You gave https://x.example')
  expect(followup.ephemeral).toBe(true)
})
