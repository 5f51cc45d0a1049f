import { type ButtonInteraction, MessageFlags, PermissionFlagsBits } from 'discord.js'
import type { ButtonAction } from '../answering/buttons.js'
import { NO_MENTIONS } from '../discord/draft.js'
import type { QuestionRecord } from '../store/question.js'
import { formatMoment } from '../text/moments.js'
import { LANGUAGES } from '../texts/texts.js'
import { type IntakeKit, languageFor } from './intake-kit.js'
import { questionBase, requireAsking, settingsOf } from './interaction-facts.js'
import { RefusedError } from './refused-error.js'
import { takeOn } from './take-on.js'

/** A button below an answer. */
export async function press(
  kit: IntakeKit,
  interaction: ButtonInteraction,
  action: ButtonAction,
  questionId: string,
): Promise<void> {
  const record = kit.store.questions.get(questionId)
  requireOwner(interaction, record)
  if (action === 'delete') return remove(kit, interaction, questionId)
  if (record === undefined) throw new RefusedError('gone')
  if (action === 'cancel') return cancel(kit, interaction, record)
  if (record.outcome?.type !== 'answered') throw new RefusedError('running')
  return action === 'more' ? more(kit, interaction, record) : frames(kit, interaction, record)
}

/** Whoever asked, and those who may delete messages in that channel; of a forgotten question only the latter. */
function requireOwner(interaction: ButtonInteraction, record: QuestionRecord | undefined): void {
  const isModerator = interaction.memberPermissions?.has(PermissionFlagsBits.ManageMessages) === true
  const isDirect = interaction.guildId === null
  if (isModerator || record?.question.userId === interaction.user.id) return
  if (record === undefined && isDirect) return
  throw new RefusedError(record === undefined ? 'gone' : 'notYours')
}

async function cancel(
  { deliveries }: IntakeKit,
  interaction: ButtonInteraction,
  { question }: QuestionRecord,
): Promise<void> {
  await interaction.deferUpdate()
  await deliveries.cancel(question.id)
}

async function remove(
  { store, deliveries, api, log }: IntakeKit,
  interaction: ButtonInteraction,
  questionId: string,
): Promise<void> {
  await interaction.deferUpdate()
  // Further messages may be on their way.
  await deliveries.end(questionId)
  const parts = store.questions.get(questionId)?.parts ?? []
  await interaction.deleteReply()
  for (const part of parts) {
    await api.delete(interaction.channelId, part).catch((error: unknown) => {
      log.warn({ question: questionId, err: error }, 'a part of an answer could not be deleted')
    })
  }
  await store.removeQuestion(questionId)
}

/** The same question again, with twice as many frames. */
async function more(
  kit: IntakeKit,
  interaction: ButtonInteraction,
  { question, outcome }: QuestionRecord,
): Promise<void> {
  const settings = settingsOf(kit, interaction)
  requireAsking(interaction, settings)
  const watched = outcome?.type === 'answered' ? outcome.frames : 1
  if (watched >= kit.limits.maxFrames) throw new RefusedError('mostFrames', kit.limits.maxFrames)
  const { kind, text, range, video, model } = question
  const frameCount = Math.min(watched * 2, kit.limits.maxFrames)
  const base = questionBase(kit, interaction, settings)
  await takeOn(kit, { ...base, kind, text, range, video, model, frames: frameCount })
}

/** Shows whoever asks the pictures that the answer rests on. */
async function frames(
  { store }: IntakeKit,
  interaction: ButtonInteraction,
  { question, outcome }: QuestionRecord,
): Promise<void> {
  const texts = LANGUAGES[languageFor(store.settings.get(question.guildId), interaction.locale)]
  const evidence = outcome?.type === 'answered' ? outcome.evidence : []
  const kept = await Promise.all(
    evidence.map(async ({ hasPicture, timestampSeconds, weight }, index) => {
      const png = hasPicture ? await store.pictures.get(question.id, `${index}.png`) : undefined
      return { png, weight, moment: formatMoment(timestampSeconds) }
    }),
  )
  const storyboard = await store.pictures.get(question.id, 'storyboard.png')
  const files = kept.flatMap(({ png, moment }, index) =>
    png === undefined
      ? []
      : [{ attachment: png, name: `frame-${index + 1}.png`, description: texts.frameAlt(moment) }],
  )
  if (files.length === 0 && storyboard !== undefined)
    files.push({
      attachment: storyboard,
      name: 'storyboard.png',
      description: texts.storyboardAlt(kept.length, ''),
    })
  const lines = kept.map(({ moment, weight }) => `${moment} · ${Math.round(weight * 100)} %`)
  await interaction.reply({
    content: files.length === 0 ? texts.framesGone : [texts.framesTitle, ...lines].join('\n'),
    files,
    flags: MessageFlags.Ephemeral,
    allowedMentions: NO_MENTIONS,
  })
}
