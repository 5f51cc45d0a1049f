import {
  ComponentType,
  type Message,
  type MessageContextMenuCommandInteraction,
  type MessageSnapshot,
  type ModalSubmitInteraction,
  TextInputStyle,
} from 'discord.js'
import { QUESTION_CHARACTERS } from '../commands/definitions.js'
import { LANGUAGES } from '../texts/texts.js'
import { findVideo, type LookedAt } from '../videos/find-video.js'
import { type IntakeKit, languageFor } from './intake-kit.js'
import { questionBase, requireAsking, settingsOf } from './interaction-facts.js'
import { RefusedError } from './refused-error.js'
import { takeOn } from './take-on.js'

const MODAL = /^longtake:modal:(\d{1,20})$/
const FIELD = 'question'

/** "Ask about this video" on a message: asks for the question. */
export async function openModal(
  kit: IntakeKit,
  interaction: MessageContextMenuCommandInteraction,
): Promise<void> {
  const settings = settingsOf(kit, interaction)
  requireAsking(interaction, settings)
  const video = findVideo(lookedAt(interaction.targetMessage), true)
  if (video === undefined) throw new RefusedError('noVideoInMessage')
  kit.store.modals.add(interaction.id, interaction.user.id, video)
  const { modal } = LANGUAGES[languageFor(settings, interaction.locale)]
  await interaction.showModal({
    custom_id: `longtake:modal:${interaction.id}`,
    title: modal.title,
    components: [
      {
        type: ComponentType.ActionRow,
        components: [
          {
            type: ComponentType.TextInput,
            custom_id: FIELD,
            style: TextInputStyle.Paragraph,
            label: modal.label,
            placeholder: modal.placeholder,
            max_length: QUESTION_CHARACTERS,
            required: true,
          },
        ],
      },
    ],
  })
}

/** The form of "Ask about this video" comes back with a question. */
export async function submitModal(kit: IntakeKit, interaction: ModalSubmitInteraction): Promise<void> {
  const [, id = ''] = MODAL.exec(interaction.customId) ?? []
  const settings = settingsOf(kit, interaction)
  requireAsking(interaction, settings)
  const video = kit.store.modals.get(id, interaction.user.id)
  if (video === undefined) throw new RefusedError('gone')
  const text = interaction.fields.getTextInputValue(FIELD).trim()
  if (text === '') throw new RefusedError('emptyQuestion')
  await takeOn(kit, { ...questionBase(kit, interaction, settings), kind: 'ask', text, range: {}, video })
}

function lookedAt(message: Message | MessageSnapshot): LookedAt {
  return {
    content: message.content,
    attachments: message.attachments.map(({ url, name, contentType }) => ({
      url,
      filename: name,
      content_type: contentType,
    })),
    embeds: message.embeds.map(({ url, video }) => ({ url, video })),
    // What is forwarded forwards nothing itself.
    message_snapshots: [...(message.messageSnapshots?.values() ?? [])].map((it) => ({
      message: lookedAt(it),
    })),
  }
}
