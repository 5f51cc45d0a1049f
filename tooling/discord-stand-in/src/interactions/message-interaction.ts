import type { MessageInteractionRecord, MessageRecord } from '../world/records.js'
import type { InteractionRecord } from './interaction-store.js'

/** What a message keeps of the interaction that it answers. */
export function messageInteraction(
  interaction: InteractionRecord,
  originalMessageId: string | undefined,
): MessageInteractionRecord {
  return {
    id: interaction.id,
    type: interaction.type,
    name: interaction.command,
    userId: interaction.userId,
    owners: interaction.owners,
    targetMessageId: interaction.targetMessageId,
    originalMessageId,
  }
}

/** Whether a message was made in answer to an interaction. */
export function isInteractionMessage(message: MessageRecord, interaction: InteractionRecord): boolean {
  return message.interaction?.id === interaction.id
}
