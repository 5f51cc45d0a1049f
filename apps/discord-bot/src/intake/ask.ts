import { type ChatInputCommandInteraction, PermissionFlagsBits, Routes } from 'discord.js'
import type { Range, VideoRef } from '../store/question.js'
import { parseMoment } from '../text/moments.js'
import { findVideo, type LookedAt, linkRef } from '../videos/find-video.js'
import type { IntakeKit } from './intake-kit.js'
import { questionBase, requireAsking, settingsOf } from './interaction-facts.js'
import { RefusedError } from './refused-error.js'
import { takeOn } from './take-on.js'

/** Messages that are looked through for the last video. */
const LOOKED_THROUGH = 50
/** Looking must leave time to acknowledge the question within Discord's 3 seconds. */
const LOOK_MS = 1500

/** `/ask` and `/watch`. */
export async function ask(kit: IntakeKit, interaction: ChatInputCommandInteraction): Promise<void> {
  const settings = settingsOf(kit, interaction)
  requireAsking(interaction, settings)
  const kind = interaction.commandName === 'watch' ? 'watch' : 'ask'
  const text = kind === 'ask' ? interaction.options.getString('question', true).trim() : ''
  if (kind === 'ask' && text === '') throw new RefusedError('emptyQuestion')
  const range = rangeOf(interaction)
  const video = givenVideo(interaction) ?? (await lastVideo(kit, interaction))
  await takeOn(kit, { ...questionBase(kit, interaction, settings), kind, text, range, video })
}

function givenVideo({ options }: ChatInputCommandInteraction): VideoRef | undefined {
  const [link, file] = [options.getString('video'), options.getAttachment('file')]
  if (link !== null && file !== null) throw new RefusedError('twoVideos')
  if (file !== null) return { type: 'attachment', url: file.url }
  if (link === null) return undefined
  const video = linkRef(link)
  if (video === undefined) throw new RefusedError('badLink')
  return video
}

function rangeOf({ options }: ChatInputCommandInteraction): Range {
  const [startSeconds, endSeconds] = (['start', 'end'] as const).map((name) => {
    const text = options.getString(name)
    const moment = text === null ? undefined : parseMoment(text)
    if (text !== null && moment === undefined) throw new RefusedError('badMoment', name)
    return moment
  })
  if (startSeconds !== undefined && endSeconds !== undefined && endSeconds <= startSeconds)
    throw new RefusedError('badRange')
  return {
    ...(startSeconds !== undefined && { startSeconds }),
    ...(endSeconds !== undefined && { endSeconds }),
  }
}

/** The last video that was posted in the channel, which the asker has to be allowed to read as well. */
async function lastVideo(kit: IntakeKit, interaction: ChatInputCommandInteraction): Promise<VideoRef> {
  const { channelId, memberPermissions, context } = interaction
  const mayRead = memberPermissions?.has(PermissionFlagsBits.ReadMessageHistory) ?? context !== null
  if (!mayRead || !kit.readsContent) throw new RefusedError('noVideo')
  const messages = await kit.client.rest
    .get(Routes.channelMessages(channelId), {
      query: new URLSearchParams({ limit: String(LOOKED_THROUGH) }),
      signal: AbortSignal.timeout(LOOK_MS),
    })
    .catch((cause: unknown) => {
      throw new RefusedError('history', '', { cause })
    })
  // The newest comes first.
  for (const message of messages as readonly LookedAt[]) {
    const video = findVideo(message, false)
    if (video !== undefined) return video
  }
  throw new RefusedError('noVideoInChannel', LOOKED_THROUGH)
}
