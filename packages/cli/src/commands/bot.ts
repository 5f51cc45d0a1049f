import type { RunningBot } from '@longtake/discord-bot'
import type { Session } from '../main.js'
import type { Terminal } from '../terminal.js'

/** `longtake bot`: answers in Discord until it is interrupted, then lets running work end. */
export async function bot({ io, err, signal }: Session): Promise<void> {
  // No other command needs Discord, so none loads it.
  const { startBot } = await import('@longtake/discord-bot')
  const running = await startBot(io.env)
  describe(running, err)
  const interrupted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const failure = await Promise.race([interrupted, running.failed])
  err.line('Stopping: what runs may end; what waits is kept for the next start.')
  await running.close()
  if (failure !== undefined) throw failure
}

function describe({ name, guilds, invite, healthUrl, resumed }: RunningBot, err: Terminal): void {
  const servers = guilds.length === 1 ? '1 server' : `${guilds.length} servers`
  err.line(
    `${err.plain(name)} is in Discord, in ${servers}. Health and metrics: ${healthUrl}. Ctrl-C stops it.`,
  )
  for (const guild of guilds) {
    if (guild.missing.length === 0) continue
    err.line(
      `${err.style('yellow', 'warning:')} In ${err.plain(guild.name)} these permissions are missing: ${guild.missing.join(', ')}.`,
    )
  }
  if (resumed > 0) err.line(`Going on with ${resumed} questions of the last run.`)
  if (guilds.length === 0) err.line(`Add it to a server: ${invite.server}`)
}

export interface RegisterFlags {
  readonly guild?: string
}

/** `longtake bot register`: tells Discord the commands, and nothing is started. */
export async function registerBot({ guild }: RegisterFlags, { io, out }: Session): Promise<void> {
  const { register } = await import('@longtake/discord-bot')
  const { name, isChanged } = await register(io.env, guild)
  out.line(`${out.plain(name)}: the commands ${isChanged ? 'are registered' : 'were registered already'}.`)
}

/** `longtake bot invite`: the addresses that add the bot. */
export async function inviteBot({ io, out }: Session): Promise<void> {
  const { invite } = await import('@longtake/discord-bot')
  const { server, user } = await invite(io.env)
  out.line(`to a server       ${server}`)
  out.line(`to your account   ${user}`)
}
