import { type Interaction, MessageFlags } from 'discord.js'
import { readButton } from '../answering/buttons.js'
import { MENU_NAME } from '../commands/definitions.js'
import { refusedBy } from '../discord/discord-failure.js'
import { NO_MENTIONS } from '../discord/draft.js'
import { LANGUAGES } from '../texts/texts.js'
import { ask } from './ask.js'
import { forget } from './forget.js'
import { type IntakeKit, languageFor } from './intake-kit.js'
import { openModal, submitModal } from './menu.js'
import { press } from './press.js'
import { RefusedError } from './refused-error.js'
import { changeSettings, proposeModels } from './settings-command.js'

/** Takes an interaction; whatever goes wrong is told to whoever made it, and nobody else. */
export async function takeInteraction(kit: IntakeKit, interaction: Interaction): Promise<void> {
  try {
    if (interaction.isAutocomplete()) await proposeModels(kit, interaction)
    else await route(kit, interaction)
  } catch (error) {
    await refuse(kit, interaction, error).catch((cause: unknown) => {
      kit.log.warn({ err: cause }, 'a refusal could not be told')
    })
  }
}

async function route(kit: IntakeKit, interaction: Interaction): Promise<void> {
  if (interaction.isChatInputCommand()) {
    const { commandName } = interaction
    if (commandName === 'ask' || commandName === 'watch') await ask(kit, interaction)
    else if (commandName === 'settings') await changeSettings(kit, interaction)
    else if (commandName === 'forget') await forget(kit, interaction)
    else if (commandName === 'help') await help(kit, interaction)
  } else if (interaction.isMessageContextMenuCommand() && interaction.commandName === MENU_NAME) {
    await openModal(kit, interaction)
  } else if (interaction.isModalSubmit()) await submitModal(kit, interaction)
  else if (interaction.isButton()) {
    const button = readButton(interaction.customId)
    if (button !== undefined) await press(kit, interaction, button.action, button.questionId)
  }
}

async function help(
  kit: IntakeKit,
  interaction: Extract<Interaction, { commandName: string }>,
): Promise<void> {
  if (!interaction.isChatInputCommand()) return
  const settings = kit.store.settings.get(interaction.guild?.id ?? null)
  const texts = LANGUAGES[languageFor(settings, interaction.locale)]
  await interaction.reply({
    content: texts.help(interaction.guildId !== null),
    flags: MessageFlags.Ephemeral,
    allowedMentions: NO_MENTIONS,
  })
}

async function refuse(
  { log, metrics, store }: IntakeKit,
  interaction: Interaction,
  error: unknown,
): Promise<void> {
  const refused = error instanceof RefusedError ? error : new RefusedError('broken', '', { cause: error })
  metrics.refused(refused.refusal)
  if (refused.refusal === 'broken') log.error({ err: error }, 'an interaction failed')
  else if (refused.cause !== undefined) log.warn({ err: refused.cause }, refused.refusal)
  if (!interaction.isRepliable()) return
  const language = languageFor(store.settings.get(interaction.guild?.id ?? null), interaction.locale)
  const message = {
    content: refused.textIn(language),
    flags: MessageFlags.Ephemeral as const,
    allowedMentions: NO_MENTIONS,
  }
  try {
    if (interaction.deferred || interaction.replied) await interaction.followUp(message)
    else await interaction.reply(message)
  } catch (cause) {
    // Too late, or told already.
    if (refusedBy(cause) === 'unexpected') throw cause
  }
}
