import type { Interaction, SeenMessage } from '@longtake/discord-stand-in'

/** Discord's name for an answer that says something at once; one that is deferred has another. */
const SAYS_AT_ONCE = 4

/** One time that somebody asked, by a command or by a message. */
export interface Asked {
  /** Of the interaction or message. */
  readonly id: string
  /** Which question it is. */
  readonly number: number
  /** On the stand-in's clock, milliseconds since 1970. */
  readonly atMs: number
  /** Undefined for a message. */
  readonly interaction: Interaction | undefined
}

/** What somebody sees of what they asked. */
export interface Seen {
  /** Whether they were told that the question was taken on. */
  readonly isAccepted: boolean
  /** Whether they were told why it was not. */
  readonly isRefused: boolean
  /** Messages that hold an answer. */
  readonly answers: readonly SeenMessage[]
  /** What else it ended with. */
  readonly failures: readonly string[]
  /** Until something came; undefined as long as nothing did. */
  readonly firstAfterMs: number | undefined
}

/** @param messages - The bot's messages about it that are not deleted, the oldest first. */
export function seenOf({ interaction, atMs }: Asked, messages: readonly SeenMessage[]): Seen {
  const isDeferred = interaction?.answeredWith !== undefined && interaction.answeredWith !== SAYS_AT_ONCE
  const answers = messages.filter(isAnswer)
  const alone = messages.filter(({ ephemeral }) => ephemeral)
  const refusals = interaction === undefined ? messages.filter((message) => !isOnTheWay(message)) : alone
  const isRefused = !isDeferred && refusals.length > 0
  const [first] = messages
  return {
    isAccepted: isDeferred || (!isRefused && messages.length > 0),
    isRefused,
    answers,
    failures: isRefused ? [] : [...alone, ...messages.filter(isFailure)].map(({ content }) => content),
    firstAfterMs: interaction?.acknowledgedAfterMs ?? (first && first.createdAtMs - atMs),
  }
}

/** The id of what a message of the bot's is about. */
export function aboutOf({ raw, replyTo }: SeenMessage): string | undefined {
  const { interaction_metadata: metadata, nonce } = raw
  if (typeof metadata === 'object' && metadata !== null && 'id' in metadata) return String(metadata.id)
  // Every message of an answer carries the id of its question, and its number if there are several.
  return typeof nonce === 'string' ? nonce.replace(/-\d+$/, '') : replyTo
}

/** An answer without what stands around it. */
export function answerText({ content }: SeenMessage): string {
  const lines = content.split('\n').filter((line) => !line.startsWith('-# '))
  return (lines[0]?.startsWith('**') ? lines.slice(1) : lines).join('\n').trim()
}

function has(message: SeenMessage, label: string): boolean {
  return message.components.some((component) => component.label === label)
}

function isAnswer(message: SeenMessage): boolean {
  return has(message, 'Show frames')
}

function isFailure(message: SeenMessage): boolean {
  return has(message, 'Delete') && !isAnswer(message)
}

function isOnTheWay(message: SeenMessage): boolean {
  return message.components.length > 0
}
