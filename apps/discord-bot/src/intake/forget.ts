import { type ChatInputCommandInteraction, MessageFlags } from 'discord.js'
import { NO_MENTIONS } from '../discord/draft.js'
import { LANGUAGES } from '../texts/texts.js'
import { type IntakeKit, languageFor } from './intake-kit.js'

/** `/forget`: ends and deletes what is kept of whoever asks for it. */
export async function forget(kit: IntakeKit, interaction: ChatInputCommandInteraction): Promise<void> {
  const { store, deliveries } = kit
  const { user, guild, locale } = interaction
  await interaction.deferReply({ flags: MessageFlags.Ephemeral })
  const open = store.questions.ofUser(user.id).filter(({ hasEnded }) => !hasEnded)
  await Promise.all(open.map(({ question }) => deliveries.end(question.id)))
  const { questions, files } = await store.forget(user.id)
  const texts = LANGUAGES[languageFor(store.settings.get(guild?.id ?? null), locale)]
  await interaction.editReply({ content: texts.forgot(questions, files), allowedMentions: NO_MENTIONS })
}
