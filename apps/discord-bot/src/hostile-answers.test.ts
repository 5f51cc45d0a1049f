import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Block,
  type Discord,
  type Inline,
  parseMarkdown,
  type SeenMessage,
  shownText,
  type TextBlock,
} from '@longtake/discord-stand-in'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { setUp } from '../test/bot.js'
import { type EngineApi, serveEngine } from '../test/engine-api.js'
import { hostileText, type Targets } from '../test/hostile-text.js'

const ANSWERS = 500
const SEED = 7
const PEOPLE = 25
/** An interaction that took too long, and one that was acknowledged twice: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json */
const LATE = [10_062, 40_060]
/** No host that moments can be linked at, so that an answer needs no link at all. */
const VIDEO = 'https://videos.example/talk'
const NAMES = Array.from({ length: PEOPLE }, (_, number) => `person-${number}`)

/** People who all could be pinged, by a bot that may ping everybody. */
const WORLD = {
  users: NAMES.map((name) => ({ name })),
  guilds: [
    {
      name: 'club',
      roles: [{ name: 'team', mentionable: true }],
      members: NAMES.map((user) => ({ user, roles: ['team'] })),
      channels: NAMES.map((name) => ({ name: `of-${name}` })),
      botPermissions: ['MentionEveryone', 'Administrator'] as const,
    },
  ],
  identifyIntervalMs: 0,
}

const ENVIRONMENT = {
  LONGTAKE_CONCURRENCY: '8',
  LONGTAKE_USER_QUESTIONS_PER_HOUR: '10000',
  LONGTAKE_QUEUE: '1000',
}

test('500 hostile answers ping nobody, do nothing but say what they say, and are whole', {
  timeout: 300_000,
}, async () => {
  const answers: string[] = []
  await using engine: EngineApi = await serveEngine((question) => answers[numberOf(question)] ?? '')
  await using stage = await setUp({}, { ...ENVIRONMENT, LONGTAKE_ENGINE_URL: engine.url }, WORLD)
  const { discord, bot } = stage
  answers.push(...fc.sample(hostileText(await targetsOf(discord)), { numRuns: ANSWERS, seed: SEED }))
  const asked = await Promise.all(NAMES.map((name, person) => askEach(discord, name, person, answers)))
  await untilQuiet(bot.healthUrl)
  expect(discord.botPings).toEqual([])
  const refused = discord.requests.filter(
    ({ status, errorCode }) => status >= 400 && !LATE.includes(errorCode ?? 0),
  )
  expect(refused.map(({ method, path, errorCode }) => [method, path, errorCode])).toEqual([])
  const all = discord.messages().filter(({ deleted }) => !deleted)
  for (const [number, first] of asked.flat()) {
    const messages = [first, ...all.filter(({ replyTo }) => replyTo === first.id)]
    expect(badNodes(messages), `answer ${number}`).toEqual([])
    const said = saidBy(messages)
    const wanted = letters(answers[number] ?? '')
    if (!(wanted === '' && said.includes('The model said nothing')))
      expect(letters(said), `answer ${number}`).toBe(wanted)
  }
  expect(asked.flat()).toHaveLength(ANSWERS)
})

/** One person's share of the questions, one after the other; the questions are hostile too. */
async function askEach(discord: Discord, name: string, person: number, answers: readonly string[]) {
  const done: [number: number, message: SeenMessage][] = []
  for (let number = person; number < answers.length; number += PEOPLE) {
    const question = `${number}: ${(answers[number + 1] ?? '').replaceAll(/\p{Surrogate}/gu, '').slice(0, 300)}`
    done.push([number, await askOne(discord, name, question)])
  }
  return done
}

/** Asks again where the answer to the command came too late, which a busy machine may do to all that share this process. */
async function askOne(discord: Discord, name: string, question: string): Promise<SeenMessage> {
  for (;;) {
    const asked = discord.user(name).slash('ask', { question, video: VIDEO }, { channel: `of-${name}` })
    const isDone = (): boolean =>
      asked.reply?.components.some(({ label }) => label === 'Show frames') === true
    const what = `an answer to ${question}`
    await discord.until(() => isDone() || asked.failed, { withinMs: 120_000, what })
    if (isDone() && asked.reply) return asked.reply
  }
}

async function untilQuiet(healthUrl: string): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${healthUrl}/metrics`)).text()
    if (/^longtake_bot_questions_open 0$/m.test(metrics)) return
    await sleep(50)
  }
}

async function targetsOf(discord: Discord): Promise<Targets> {
  const guild = discord.guildId('club')
  const headers = { Authorization: `Bot ${discord.token}` }
  const roles = await fetch(`${discord.rest.api}/v10/guilds/${guild}/roles`, { headers })
  return {
    userIds: NAMES.slice(0, 3).map((name) => discord.user(name).id),
    roleIds: ((await roles.json()) as { id: string }[]).map(({ id }) => id),
    channelIds: [discord.channel('of-person-0').id],
  }
}

function numberOf(question: string): number {
  return Number(/^\d+/.exec(question)?.[0])
}

/** Everything in messages that is more than text, but for what the bot itself adds. */
function badNodes(messages: readonly SeenMessage[]): readonly string[] {
  return messages.flatMap(({ content }, index) => {
    const blocks = parseMarkdown(content)
    const [head, ...rest] = blocks
    const ofHeader = index === 0 && head?.kind === 'line' ? head.children.slice(1) : undefined
    const own = index === 0 && head?.kind === 'line' && head.children[0]?.kind === 'bold'
    return [
      ...(own && ofHeader ? ofHeader.flatMap(badInline) : blocksOf(head)),
      ...rest.flatMap((block) => (block.kind === 'small' ? smallOf(block) : blocksOf(block))),
    ]
  })
}

function blocksOf(block: Block | undefined): readonly string[] {
  if (block === undefined) return []
  if (block.kind !== 'line') return [`${block.kind}: ${JSON.stringify(block)}`]
  return block.children.flatMap(badInline)
}

/** Small text is the bot's own, and says how many frames were read, or that more follows. */
function smallOf(block: TextBlock): readonly string[] {
  return /frame|goes on/i.test(shownText([block])) ? block.children.flatMap(badInline) : ['small']
}

function badInline(node: Inline): readonly string[] {
  return node.kind === 'text' ? [] : [`${node.kind}: ${JSON.stringify(node)}`]
}

/** The answer, as readers get it: of the file where there is one, else of all messages. */
function saidBy(messages: readonly SeenMessage[]): string {
  const file = messages[0]?.attachments.find(({ filename }) => filename === 'answer.txt')
  if (file !== undefined) return new TextDecoder().decode(file.bytes)
  return messages
    .map(({ content }, index) => {
      const lines = content.split('\n').filter((line) => !line.startsWith('-# '))
      return shownText(parseMarkdown((index === 0 ? lines.slice(1) : lines).join('\n')))
    })
    .join('\n')
}

/** What nobody may leave out: letters and digits, but those that cannot be seen. */
function letters(text: string): string {
  return (text.normalize('NFD').match(/(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}]/gu) ?? []).join('')
}
