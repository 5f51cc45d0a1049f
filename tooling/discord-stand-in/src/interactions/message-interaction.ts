import { refusals } from '../rest/api-error.js'
import type { ChannelRecord, MessageInteractionRecord, MessageRecord } from '../world/records.js'
import type { World } from '../world/world.js'
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

/** Where an interaction took place.
 * @throws {ApiError} 10003 if the channel is gone by now.
 */
export function interactionChannel(world: World, interaction: InteractionRecord): ChannelRecord {
  const channel = world.channels.get(interaction.channelId)
  if (channel === undefined) throw refusals.unknownChannel()
  return channel
}
