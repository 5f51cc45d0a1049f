import { EngineError } from '@longtake/core'
import { type Client, Events } from 'discord.js'
import { retrying, work } from './answering/work.js'
import { inviteLinks } from './commands/invite.js'
import { registerCommands } from './commands/register.js'
import { type Config, type Environment, readConfig } from './config/config.js'
import {
  closedFor,
  type Identity,
  makeRest,
  preflight,
  startFailure,
  stopTimers,
} from './discord/preflight.js'
import type { Engine } from './engine/engine.js'
import { serveHealth } from './http/health.js'
import { missingPermissions } from './intake/permissions.js'
import { listen } from './listen.js'
import { type Log, openLog } from './log.js'
import { openParts, type Parts } from './parts.js'

/** For answers that are ready and on their way when all work has ended. */
const LAST_WRITES_MS = 10_000

/** A server that the bot is in, and the permissions that it lacks there. */
export interface BotGuild {
  readonly id: string
  readonly name: string
  readonly missing: readonly string[]
}

/** A bot that runs. */
export interface RunningBot {
  readonly name: string
  readonly guilds: readonly BotGuild[]
  readonly invite: { readonly server: string; readonly user: string }
  /** Where `/healthz`, `/readyz` and `/metrics` are. */
  readonly healthUrl: string
  /** Questions that an earlier process left, with which this one goes on. */
  readonly resumed: number
  /** Settles when Discord shuts the bot out for good, such as with a token that was reset, with why. */
  readonly failed: Promise<unknown>
  /** Takes nothing on any more, lets what runs end or leaves it to the next process; repeated calls wait for the same end. */
  close(): Promise<void>
}

export interface BotOptions {
  /** Answers instead of the engine that the environment names. */
  readonly engine?: Engine
  /** Milliseconds since 1970. */
  readonly clock?: () => number
}

/**
 * Starts the bot in this process, configured by environment variables: see the README.
 *
 * @throws {InvalidOptionError} Naming all mistakes of the configuration; for a token that Discord does not know, and for
 *   intents that are off.
 * @throws {LongtakeError} If Discord does not answer, a model cannot be loaded, or another process has the folder.
 */
export async function startBot(env: Environment, options: BotOptions = {}): Promise<RunningBot> {
  const config = readConfig(env)
  const log = openLog(config.logLevel)
  const opened: (() => unknown)[] = []
  try {
    return await start(config, options, log, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

async function start(
  config: Config,
  { engine, clock = Date.now }: BotOptions,
  log: Log,
  opened: (() => unknown)[],
): Promise<RunningBot> {
  const identity = await introduce(config, opened)
  const parts = await openParts({ config, identity, log, engine, clock, opened })
  const { client, kit, metrics } = parts
  listen(client, kit)
  const health = await serveHealth({ ...config.health, metrics, check: () => check(parts) })
  opened.push(() => health.close())
  await connect(client, config)
  opened.push(startWork(parts, config, log))
  const resumed = kit.deliveries.resume()
  const guilds = guildsOf(client, log)
  log.info({ name: identity.name, guilds: guilds.length, resumed }, 'ready')
  let closing: Promise<void> | undefined
  return {
    name: identity.name,
    guilds,
    invite: inviteLinks(identity.applicationId),
    healthUrl: health.url,
    resumed,
    failed: new Promise((resolve) => {
      client.once(Events.ShardDisconnect, ({ code }) => resolve(closedFor(code, config.discord)))
    }),
    close() {
      closing ??= close(parts, config, log, opened)
      return closing
    },
  }
}

/** Asks Discord who the bot is, and tells it the commands. */
async function introduce({ discord }: Config, opened: (() => unknown)[]): Promise<Identity> {
  const rest = makeRest(discord)
  opened.push(() => stopTimers(rest))
  const identity = await preflight(rest, discord)
  try {
    if (discord.registers) await registerCommands(rest, identity.applicationId)
    return identity
  } catch (error) {
    throw startFailure(error, discord)
  }
}

async function close(
  { jobs, kit, state }: Parts,
  { limits }: Config,
  log: Log,
  opened: readonly (() => unknown)[],
): Promise<void> {
  state.isClosing = true
  const drained = await jobs.drain({ timeoutMs: limits.drainMs })
  await kit.deliveries.close(LAST_WRITES_MS)
  for (const end of opened.toReversed()) await end()
  log.info({ ...drained }, 'stopped')
}

function startWork({ jobs, ...parts }: Parts, { limits }: Config, log: Log): () => Promise<void> {
  const { isRetryable, failed } = retrying()
  const worker = jobs.work(
    async (run) => {
      try {
        return await work(parts, run)
      } catch (error) {
        failed(error, run.attempt)
        throw error
      }
    },
    {
      concurrency: limits.concurrency,
      isRetryable,
      onUnexpected: (error, job) => log.error({ job, err: error }, 'a job failed unexpectedly'),
    },
  )
  return () => worker.close()
}

async function connect(client: Client, { discord }: Config): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    client.once(Events.ClientReady, () => resolve())
  })
  try {
    await client.login(discord.token)
  } catch (error) {
    throw startFailure(error, discord)
  }
  await ready
}

async function check({ client, engine, state }: Parts): Promise<void> {
  if (state.isClosing || !client.isReady() || client.ws.status !== 0)
    throw new EngineError('ENGINE_UNAVAILABLE', 'The bot is not connected to Discord.')
  await engine.check()
}

/** What the bot lacks in whole servers; single channels may differ, and whoever asks there is told. */
function guildsOf(client: Client<true>, log: Log): readonly BotGuild[] {
  return client.guilds.cache.map(({ id, name, members }) => {
    const missing = members.me === null ? [] : missingPermissions(members.me.permissions, false)
    if (missing.length > 0) log.warn({ guild: id, name, missing }, 'permissions are missing')
    return { id, name, missing }
  })
}
