import { homedir } from 'node:os'
import { join } from 'node:path'
import { linkPolicyOf, linkSettings, list, readEnvironment, whole } from '@longtake/edge-api/parts'
import { z } from 'zod'

const MEBIBYTE = 2 ** 20
const DAY_MS = 24 * 60 * 60 * 1000

const address = z.url({ protocol: /^https?$/, error: 'expected an http: or https: address' })
const flag = (byDefault: '0' | '1') => z.enum(['0', '1']).default(byDefault)

const discord = {
  LONGTAKE_DISCORD_TOKEN: z
    .string({ error: "expected the bot's token, of its page in Discord's developer portal" })
    .regex(/^(?:Bot )?[\w-]+\.[\w-]+\.[\w-]+$/, "expected the bot's token: three parts with dots between"),
  LONGTAKE_DISCORD_API: address.default('https://discord.com/api'),
  LONGTAKE_DISCORD_MESSAGE_CONTENT: flag('1'),
  LONGTAKE_DISCORD_REGISTER: flag('1'),
}

const environment = z.object({
  ...discord,
  LONGTAKE_STATE: z.string().min(1).optional(),
  LONGTAKE_HOME: z.string().min(1).optional(),
  LONGTAKE_ENGINE_URL: address.optional(),
  LONGTAKE_ENGINE_KEY: z.string().min(1).optional(),
  LONGTAKE_MODELS: list.pipe(z.array(z.string()).min(1)).optional(),
  LONGTAKE_ISOLATE: flag('1'),
  LONGTAKE_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LONGTAKE_HEALTH_HOST: z.string().min(1).default('127.0.0.1'),
  LONGTAKE_HEALTH_PORT: whole(8081, 0, 65_535),
  LONGTAKE_CONCURRENCY: whole(1, 1, 256),
  LONGTAKE_QUEUE: whole(200, 1, 100_000),
  LONGTAKE_OPEN_VIDEOS: whole(4, 0, 1000),
  LONGTAKE_MAX_FRAMES: whole(256, 1, 65_536),
  LONGTAKE_MAX_TOKENS: whole(1024, 1, 1_000_000),
  LONGTAKE_MAX_CACHE_MIB: whole(4096, 1, 1_000_000),
  LONGTAKE_MAX_VIDEO_SECONDS: whole(4 * 60 * 60, 1, 10_000_000),
  LONGTAKE_MAX_FILE_MIB: whole(512, 1, 1_000_000),
  LONGTAKE_FILES_MIB: whole(4096, 1, 1_000_000),
  LONGTAKE_KEEP_DAYS: whole(7, 1, 365),
  LONGTAKE_USER_WAITING: whole(3, 1, 1000),
  LONGTAKE_USER_QUESTIONS_PER_HOUR: whole(30, 1, 100_000),
  LONGTAKE_GUILD_QUESTIONS_PER_DAY: whole(1000, 1, 10_000_000),
  LONGTAKE_DEADLINE_SECONDS: whole(3600, 1, 600_000),
  LONGTAKE_DRAIN_SECONDS: whole(20, 0, 3600),
  ...linkSettings,
})

/** What a question may cost, and how long anything is kept. */
export interface Limits {
  readonly concurrency: number
  readonly openVideos: number
  readonly mostQueued: number
  readonly maxFrames: number
  readonly maxTokens: number
  readonly maxCacheBytes: number
  readonly maxVideoSeconds: number
  /** Bytes of an attached file, and of all that are kept. */
  readonly maxFileBytes: number
  readonly mostFileBytes: number
  /** How long questions, answers' places and files are kept after their last use. */
  readonly keepMs: number
  readonly userWaiting: number
  readonly userQuestionsPerHour: number
  readonly guildQuestionsPerDay: number
  readonly deadlineMs: number
  readonly drainMs: number
}

/** What speaking to Discord takes. */
export type DiscordConfig = ReturnType<typeof readDiscordConfig>

export type Config = ReturnType<typeof readConfig>

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * What `register` and `invite` need of the environment.
 *
 * @throws {SettingsError} Naming every mistake at once.
 */
export function readDiscordConfig(env: Environment) {
  return discordOf(readEnvironment(z.object(discord), env))
}

/**
 * Reads the configuration from environment variables: see the README.
 *
 * @throws {SettingsError} Naming every mistake at once.
 */
export function readConfig(env: Environment) {
  const read = readEnvironment(environment, env)
  return {
    discord: discordOf(read),
    stateFolder: read.LONGTAKE_STATE ?? defaultFolder(read.LONGTAKE_HOME, env.XDG_STATE_HOME),
    engine: engineOf(read),
    logLevel: read.LONGTAKE_LOG,
    health: { host: read.LONGTAKE_HEALTH_HOST, port: read.LONGTAKE_HEALTH_PORT },
    limits: limitsOf(read),
    links: linkPolicyOf(read),
  }
}

type Read = z.output<typeof environment>

function discordOf(read: z.output<z.ZodObject<typeof discord>>) {
  return {
    token: read.LONGTAKE_DISCORD_TOKEN.replace(/^Bot /, ''),
    api: read.LONGTAKE_DISCORD_API.replace(/\/+$/, ''),
    readsContent: read.LONGTAKE_DISCORD_MESSAGE_CONTENT === '1',
    registers: read.LONGTAKE_DISCORD_REGISTER === '1',
  }
}

/** Models of this process, or an API of Longtake elsewhere, whose models it says itself unless they are named. */
function engineOf(read: Read) {
  const url = read.LONGTAKE_ENGINE_URL?.replace(/\/+$/, '').replace(/\/v1$/, '')
  if (url !== undefined) {
    return { type: 'remote' as const, url, key: read.LONGTAKE_ENGINE_KEY, models: read.LONGTAKE_MODELS }
  }
  const models = read.LONGTAKE_MODELS ?? ['@longtake/tiny']
  return { type: 'local' as const, models, isIsolated: read.LONGTAKE_ISOLATE === '1' }
}

function limitsOf(read: Read): Limits {
  return {
    concurrency: read.LONGTAKE_CONCURRENCY,
    openVideos: read.LONGTAKE_OPEN_VIDEOS,
    mostQueued: read.LONGTAKE_QUEUE,
    maxFrames: read.LONGTAKE_MAX_FRAMES,
    maxTokens: read.LONGTAKE_MAX_TOKENS,
    maxCacheBytes: read.LONGTAKE_MAX_CACHE_MIB * MEBIBYTE,
    maxVideoSeconds: read.LONGTAKE_MAX_VIDEO_SECONDS,
    maxFileBytes: read.LONGTAKE_MAX_FILE_MIB * MEBIBYTE,
    mostFileBytes: read.LONGTAKE_FILES_MIB * MEBIBYTE,
    keepMs: read.LONGTAKE_KEEP_DAYS * DAY_MS,
    userWaiting: read.LONGTAKE_USER_WAITING,
    userQuestionsPerHour: read.LONGTAKE_USER_QUESTIONS_PER_HOUR,
    guildQuestionsPerDay: read.LONGTAKE_GUILD_QUESTIONS_PER_DAY,
    deadlineMs: read.LONGTAKE_DEADLINE_SECONDS * 1000,
    drainMs: read.LONGTAKE_DRAIN_SECONDS * 1000,
  }
}

function defaultFolder(home: string | undefined, state: string | undefined): string {
  if (home !== undefined) return join(home, 'discord-bot')
  return join(state || join(homedir(), '.local', 'state'), 'longtake', 'discord-bot')
}
