import type { Discord, Interaction, SeenMessage } from '@longtake/discord-stand-in'

/** Waits until an interaction has its answer to the end. */
export function answered(discord: Discord, interaction: Interaction): Promise<SeenMessage> {
  return discord.until(() => isAnswer(interaction.reply) && interaction.reply, { what: 'an answer' })
}

/** Waits until a message has a reply of the bot's with its answer to the end. */
export function replied(discord: Discord, to: { readonly id: string }): Promise<SeenMessage> {
  return discord.until(() => replyTo(discord, to, isAnswer), { what: 'a reply' })
}

/** The bot's reply to a message, as soon as it is as it should be. */
export function replyTo(
  discord: Discord,
  to: { readonly id: string },
  is: (message: SeenMessage) => boolean = () => true,
): SeenMessage | undefined {
  return discord.messages().find((it) => it.fromBot && it.replyTo === to.id && !it.deleted && is(it))
}

/** Waits for what only the person sees who made an interaction. */
export async function toldAlone(discord: Discord, interaction: Interaction): Promise<string> {
  const message = await discord.until(
    () => interaction.messages.find(({ ephemeral, loading }) => ephemeral && !loading),
    {
      what: 'a message to one person alone',
    },
  )
  return message.content
}

function isAnswer(message: SeenMessage | undefined): boolean {
  return message?.components.some(({ label }) => label === 'Delete') === true
}
