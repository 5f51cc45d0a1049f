import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, startBot } from '@longtake/discord-bot'
import { type Discord, type Interaction, type SeenMessage, startDiscord } from '@longtake/discord-stand-in'
import { serveFilm } from './film.js'
import type { Names } from './html.js'
import type { Scene } from './page.js'
import { talkEngine } from './talk.js'

const PEOPLE = { ada: 'Ada', ben: 'Ben', mo: 'Mo' }
const TALKS = { channel: 'talks' }
const TALK = 'https://videos.example/bridges.mp4'

/** Runs the bot for every scene, and keeps what it sent. */
export async function recordScenes(): Promise<readonly Scene[]> {
  return [
    ...(await withBot(undefined, answerScenes)),
    ...(await withBot(talkEngine(), (discord, names, engine) => talkScenes(discord, names, engine.release))),
  ]
}

async function withBot<Given extends Engine | undefined>(
  engine: Given,
  record: (discord: Discord, names: Names, engine: Given) => Promise<readonly Scene[]>,
): Promise<readonly Scene[]> {
  const discord = await startDiscord({
    users: Object.entries(PEOPLE).map(([name, displayName]) => ({ name, displayName })),
    guilds: [{ name: 'club', owner: 'mo', channels: [{ name: 'talks' }, { name: 'clips' }] }],
  })
  const folder = await mkdtemp(join(tmpdir(), 'longtake-screens-'))
  const env = {
    LONGTAKE_DISCORD_TOKEN: discord.token,
    LONGTAKE_DISCORD_API: discord.rest.api,
    LONGTAKE_STATE: folder,
    LONGTAKE_HEALTH_PORT: '0',
    LONGTAKE_LOG: 'silent',
    LONGTAKE_LINK_NETWORKS: '127.0.0.0/8',
    LONGTAKE_LINK_PORTS: 'any',
  }
  try {
    const bot = await startBot(env, engine && { engine })
    try {
      return await record(discord, namesOf(discord), engine)
    } finally {
      await bot.close()
    }
  } finally {
    await discord.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A real model, and the demonstration's film. */
async function answerScenes(discord: Discord, names: Names): Promise<readonly Scene[]> {
  await using film = await serveFilm()
  const [ada, ben, mo] = [discord.user('ada'), discord.user('ben'), discord.user('mo')]
  const question = 'Which shape is at the start of the video?'
  const asked = ada.slash('ask', { question, video: `${film.url}/film.mp4` }, TALKS)
  const answer = await answered(discord, () => asked.reply)
  const more = ben.send('talks', 'And what is the last colour?', { replyTo: answer })
  const second = await answered(discord, () => repliesTo(discord, more)[0])
  const wrong = ada.slash('ask', { question: 'What is this about?', video: `${film.url}/page` }, TALKS)
  const refusal = await discord.until(() =>
    wrong.messages.find(({ ephemeral, loading }) => ephemeral && !loading),
  )
  await alone(discord, mo.slash('settings channel', { channel: 'talks' }, TALKS))
  const settings = await alone(discord, mo.slash('settings show', {}, TALKS))
  return [
    { name: 'answer', messages: [answer], names },
    { name: 'follow-up', messages: [more, second], names },
    { name: 'refusal', messages: [refusal], names },
    { name: 'settings', messages: [settings], names },
  ]
}

/** Work that stands still for the picture, and an answer that is too long for one message. */
async function talkScenes(discord: Discord, names: Names, release: () => void): Promise<readonly Scene[]> {
  const ask = (name: string, question: string): Interaction =>
    discord.user(name).slash('ask', { question, video: TALK }, TALKS)
  const first = ask('ada', 'What is this talk about, part by part?')
  const working = await discord.until(() => first.reply?.content.includes('59 %') && first.reply)
  const second = ask('ben', 'Which bridge got the vanes?')
  const waiting = await discord.until(() => second.reply?.content.includes('queue') && second.reply)
  release()
  const answer = await answered(discord, () => first.reply)
  const rest = await discord.until(() => repliesTo(discord, answer)[0])
  await answered(discord, () => second.reply)
  return [
    { name: 'progress', messages: [working, waiting], names },
    { name: 'long', messages: [answer, rest], names },
  ]
}

function answered(discord: Discord, find: () => SeenMessage | undefined): Promise<SeenMessage> {
  const isAnswer = (message: SeenMessage | undefined): boolean =>
    message?.components.some(({ label }) => label === 'Show frames') === true
  return discord.until(() => isAnswer(find()) && find(), { withinMs: 120_000, what: 'an answer' })
}

function alone(discord: Discord, interaction: Interaction): Promise<SeenMessage> {
  return discord.until(() => interaction.messages.find(({ ephemeral }) => ephemeral))
}

function repliesTo(discord: Discord, { id }: SeenMessage): readonly SeenMessage[] {
  return discord.messages('talks').filter(({ replyTo, fromBot }) => fromBot && replyTo === id)
}

function namesOf(discord: Discord): Names {
  const channels = ['talks', 'clips'].map((name) => [discord.channel(name).id, `# ${name}`] as const)
  const people = Object.entries(PEOPLE).map(([name, shown]) => [discord.user(name).id, shown] as const)
  return new Map([...people, ...channels, [discord.applicationId, 'Longtake']])
}
