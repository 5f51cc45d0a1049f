import { type Message, MessageReferenceType, type PartialMessage, PermissionsBitField } from 'discord.js'
import { QUESTION_CHARACTERS } from '../commands/definitions.js'
import type { Question, QuestionRecord } from '../store/question.js'
import { type IntakeKit, languageFor } from './intake-kit.js'
import { requirePlace } from './permissions.js'
import { RefusedError } from './refused-error.js'
import { takeOn } from './take-on.js'

/** A reply to an answer, or a message in its thread, asks on about the same video. */
export async function takeMessage(kit: IntakeKit, message: Message): Promise<void> {
  if (message.author.bot || message.system) return
  const before = conversationOf(kit, message)
  if (before === undefined) return
  try {
    await askOn(kit, message, before.question)
  } catch (error) {
    await refuse(kit, message, error)
  }
}

/** An edited question counts as long as it is not answered. */
export async function takeEdit(
  { store, deliveries }: IntakeKit,
  message: Message | PartialMessage,
): Promise<void> {
  const record = store.questions.get(message.id)
  if (record === undefined || record.hasEnded || record.question.place.type !== 'message') return
  const text = textOf(message.content ?? '')
  if (text === '' || text === record.question.text) return
  store.questions.setText(message.id, text)
  await deliveries.cancel(message.id)
}

/** A deleted question is answered no more; of a deleted answer nothing is kept. */
export async function takeDeletions(kit: IntakeKit, ids: readonly string[]): Promise<void> {
  const { store, deliveries } = kit
  for (const id of ids) {
    const asked = store.questions.get(id)
    if (asked !== undefined && !asked.hasEnded) await withdraw(kit, asked)
    const answered = store.questions.ofMessage(id)
    if (answered === undefined || answered.question.place.messageId !== id) continue
    await deliveries.cancel(answered.question.id)
    if (answered.hasEnded) await store.removeQuestion(answered.question.id)
  }
}

async function withdraw({ api, deliveries, store }: IntakeKit, { question }: QuestionRecord): Promise<void> {
  const { channelId, id } = question
  // The message that would have answered it may be on its way.
  await deliveries.end(id)
  const messageId = store.questions.get(id)?.question.place.messageId ?? null
  await store.removeQuestion(id)
  if (messageId !== null) await api.delete(channelId, messageId)
}

/** The latest answer that a message speaks to: the one it replies to, or the one its thread was begun on. */
function conversationOf({ store, client }: IntakeKit, message: Message): QuestionRecord | undefined {
  const { reference, channel, mentions } = message
  // A message that is forwarded refers to one as well, maybe of another channel.
  if (reference?.messageId != null && reference.type === MessageReferenceType.Default) {
    const replied = store.questions.ofMessage(reference.messageId)
    if (replied !== undefined || mentions.repliedUser?.id !== client.user.id) return replied
  }
  // A thread that was begun on a message has the message's id.
  return channel?.isThread() ? store.questions.ofMessage(channel.id) : undefined
}

async function askOn(kit: IntakeKit, message: Message<boolean>, before: Question): Promise<void> {
  const { store } = kit
  const settings = store.settings.get(message.guildId)
  if (message.inGuild()) requireMessagePlace(message, settings)
  const text = textOf(message.content)
  // Without the intent the text of a message is there only if it mentions the bot, which a reply to a command's answer does not.
  if (text === '' && !kit.readsContent && message.reference !== null) throw new RefusedError('unread')
  if (text === '') return
  store.questions.touch(before.id)
  const { video, range, frames, model } = before
  await takeOn(kit, {
    id: message.id,
    revision: 0,
    kind: 'ask',
    userId: message.author.id,
    userName: message.author.displayName,
    guildId: message.guildId,
    channelId: message.channelId,
    video,
    text,
    range,
    frames,
    model,
    language: languageFor(settings, message.guild?.preferredLocale ?? before.language),
    hasStoryboard: settings.storyboard,
    place: { type: 'message', replyTo: message.id, messageId: null },
  })
}

function requireMessagePlace(message: Message<true>, settings: Parameters<typeof requirePlace>[1]): void {
  const { channel, guild, member, channelId } = message
  const isThread = channel.isThread()
  const parent = isThread ? channel.parent : channel
  const me = guild.members.me
  requirePlace(
    {
      isThread,
      channelIds: [channelId, isThread ? channel.parentId : null, parent?.parentId ?? null],
      roleIds: member === null ? [] : [...member.roles.cache.keys()],
      own: me === null ? new PermissionsBitField() : channel.permissionsFor(me),
      isManager: member?.permissions.has(PermissionsBitField.Flags.ManageGuild) === true,
    },
    settings,
  )
}

/** Without the mention that addresses the bot, and no longer than a question may be. */
function textOf(content: string): string {
  return content
    .replace(/^\s*<@!?\d{17,20}>/, '')
    .trim()
    .slice(0, QUESTION_CHARACTERS)
}

/** Nothing can be said to one person alone outside of an interaction: a short reply, where there may be one. */
async function refuse(
  { api, log, metrics, store }: IntakeKit,
  message: Message,
  error: unknown,
): Promise<void> {
  const refused = error instanceof RefusedError ? error : new RefusedError('broken', '', { cause: error })
  metrics.refused(refused.refusal)
  if (refused.refusal === 'broken') log.error({ err: error }, 'a message failed')
  // Where the bot is not to speak it says nothing.
  if (['permissions', 'channel', 'role'].includes(refused.refusal)) return
  const settings = store.settings.get(message.guildId)
  const language = languageFor(settings, message.guild?.preferredLocale)
  const draft = { content: refused.textIn(language), buttons: [], files: [] }
  await api.post(message.channelId, draft, message.id, message.id).catch((cause: unknown) => {
    log.warn({ err: cause }, 'a refusal could not be told')
  })
}
