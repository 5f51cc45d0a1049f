import {
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  InteractionContextType,
  type MessageContextMenuCommandInteraction,
  type ModalSubmitInteraction,
  PermissionFlagsBits,
} from 'discord.js'
import type { InteractionPlace, Question } from '../store/question.js'
import type { GuildSettings } from '../store/settings.js'
import { framesFor, type IntakeKit, languageFor, modelFor } from './intake-kit.js'
import { requirePlace } from './permissions.js'

/** Interactions that questions come by. */
export type AskingInteraction =
  | ChatInputCommandInteraction
  | MessageContextMenuCommandInteraction
  | ModalSubmitInteraction
  | ButtonInteraction

/** The settings that hold where an interaction was made: those of the server, if the bot is in it. */
export function settingsOf({ store }: IntakeKit, interaction: AskingInteraction): GuildSettings {
  return store.settings.get(interaction.guild?.id ?? null)
}

/** @throws {RefusedError} If there may be no asking, or no answering. */
export function requireAsking(interaction: AskingInteraction, settings: GuildSettings): void {
  const { guild, channel, member } = interaction
  // Elsewhere the answer is written by the interaction's token alone, within what Discord allows it.
  if (guild === null) return
  const isThread = channel?.isThread() === true
  const parent = isThread ? channel.parent : channel
  const parentId = parent !== null && parent !== undefined && 'parentId' in parent ? parent.parentId : null
  requirePlace(
    {
      isThread,
      channelIds: [interaction.channelId, isThread ? channel.parentId : null, parentId],
      roleIds: rolesOf(member),
      own: interaction.appPermissions,
      isManager: interaction.memberPermissions?.has(PermissionFlagsBits.ManageGuild) === true,
    },
    settings,
  )
}

function rolesOf(member: AskingInteraction['member']): readonly string[] {
  if (member === null) return []
  return Array.isArray(member.roles) ? member.roles : [...member.roles.cache.keys()]
}

/** What every question that comes by an interaction has. */
export function questionBase(
  kit: IntakeKit,
  interaction: AskingInteraction,
  settings: GuildSettings,
): Omit<Question, 'kind' | 'video' | 'text' | 'range'> {
  const { id, user, guildId, channelId, locale } = interaction
  return {
    id,
    revision: 0,
    userId: user.id,
    userName: user.displayName,
    guildId,
    channelId: channelId ?? '',
    frames: framesFor(kit, settings),
    model: modelFor(kit, settings),
    language: languageFor(settings, locale),
    hasStoryboard: settings.storyboard,
    place: placeOf(interaction),
  }
}

function placeOf(interaction: AskingInteraction): InteractionPlace {
  const { applicationId, token, guild, context } = interaction
  const mayPost = guild !== null || context === InteractionContextType.BotDM
  return { type: 'interaction', applicationId, token, isAcknowledged: false, mayPost, messageId: null }
}
