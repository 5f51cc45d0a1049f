import type { Discord, DiscordOptions, SeenMessage } from '@longtake/discord-stand-in'
import type { Questions } from '../api/questions.js'
import type { Asked } from './asked.js'
import type { Sight } from './sight.js'

const GUILDS = 4
const CHANNELS = 3
/** One of so many people asks in direct messages. */
const DIRECT_EVERY = 4
/** One of so many opens a thread on the first answer and asks on there. */
const THREAD_EVERY = 5
/** A message that got no answer is sent again; nothing says that it was not heard. */
const PATIENCE_MS = 12_000

/** Servers with channels, and members who are in all of them. */
export function worldOf(people: number): DiscordOptions {
  return {
    users: Array.from({ length: people }, (_, number) => ({ name: nameOf(number) })),
    guilds: Array.from({ length: GUILDS }, (_, guild) => ({
      name: `guild-${guild}`,
      channels: Array.from({ length: CHANNELS }, (_, channel) => ({ name: `talks-${guild}-${channel}` })),
    })),
  }
}

export interface Crowd {
  readonly discord: Discord
  readonly questions: Questions
  readonly sight: Sight
  /** Every time that somebody asked. */
  readonly asked: Asked[]
  /** Threads that were opened, by the message that they began on. */
  readonly threads: Map<string, string>
  /** Fires when nobody asks any more. */
  readonly stop: AbortSignal
}

/**
 * Somebody asks one question after the other: the first by a command, every second one by a reply to the answer. Whoever is
 * told that the bot did not respond, or hears nothing, asks again.
 *
 * @param numbers - Of the questions.
 */
export async function askAll(crowd: Crowd, person: number, numbers: readonly number[]): Promise<void> {
  let before: SeenMessage | undefined
  for (const [index, number] of numbers.entries()) {
    const isReply = index % 2 === 1
    before = await askUntilAnswered(crowd, person, number, isReply ? before : undefined)
  }
}

async function askUntilAnswered(
  crowd: Crowd,
  person: number,
  number: number,
  before: SeenMessage | undefined,
): Promise<SeenMessage | undefined> {
  const { discord, sight, stop } = crowd
  while (!stop.aborted) {
    const asked = before ? replyTo(crowd, person, number, before) : command(crowd, person, number)
    crowd.asked.push(asked)
    await sight.until(() => hasEnd(crowd, asked))
    const { answers, failures } = sight.of(asked)
    if (answers.length > 0 || failures.length > 0) return answers[0]
    await sight.until(() => discord.gateway.ready)
  }
  return undefined
}

function hasEnd({ discord, sight }: Crowd, asked: Asked): boolean {
  const { answers, failures, isAccepted, isRefused } = sight.of(asked)
  if (isAccepted) return answers.length + failures.length > 0
  if (isRefused) return true
  if (asked.interaction !== undefined) return asked.interaction.failed
  return discord.clock.now() - asked.atMs > PATIENCE_MS
}

function command({ discord, questions }: Crowd, person: number, number: number): Asked {
  const guild = person % GUILDS
  const channel = isDirect(person) ? 'dm' : `talks-${guild}-${Math.floor(person / GUILDS) % CHANNELS}`
  // Of a server one film is talked about; in direct messages everybody has one of their own.
  const film = isDirect(person) ? GUILDS + person : guild
  const values = { question: questions.text(number), video: questions.film(film + 1) }
  const interaction = discord.user(nameOf(person)).slash('ask', values, { channel })
  return { id: interaction.id, number, atMs: discord.clock.now(), interaction }
}

function replyTo(crowd: Crowd, person: number, number: number, before: SeenMessage): Asked {
  const { discord, questions } = crowd
  const user = discord.user(nameOf(person))
  const text = questions.text(number)
  const opensThread = !isDirect(person) && person % THREAD_EVERY === 0
  const thread = crowd.threads.get(before.id) ?? (opensThread ? user.startThread(before, 'more') : undefined)
  if (thread !== undefined) crowd.threads.set(before.id, thread)
  const sent = thread
    ? user.send(thread, text)
    : user.send(isDirect(person) ? 'dm' : before.channelId, text, { replyTo: before, pingReplied: false })
  return { id: sent.id, number, atMs: discord.clock.now(), interaction: undefined }
}

function isDirect(person: number): boolean {
  return person % DIRECT_EVERY === DIRECT_EVERY - 1
}

function nameOf(person: number): string {
  return `person-${person}`
}
