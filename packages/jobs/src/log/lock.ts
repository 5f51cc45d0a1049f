import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { JobError } from '@longtake/core'
import { systemCode } from '../system-code.js'

/** How often a holder shows that it is alive. */
const BEAT_MS = 5_000
/** A lock that has not been touched for so long is left over. */
const STALE_MS = 30_000
/** How often a lock that somebody holds is looked at. */
const LOOK_MS = 100

/**
 * The right to write to a folder: a file with the holder's process and host. It is taken over when its process has ended
 * (on this host) or when it has not been touched for 30 seconds.
 */
export class FolderLock {
  readonly #path: string
  readonly #token: string
  readonly #beat: NodeJS.Timeout
  #seenAt = Date.now()
  #lost = false

  private constructor(path: string, token: string) {
    this.#path = path
    this.#token = token
    this.#beat = setInterval(() => void this.#touch(), BEAT_MS)
    this.#beat.unref?.()
  }

  /**
   * @param waitMs - How long another holder is waited for.
   * @throws {JobError} `JOBS_LOCKED`.
   */
  static async take(path: string, waitMs: number): Promise<FolderLock> {
    const token = `${process.pid} ${hostname()} ${randomUUID()}`
    const until = Date.now() + waitMs
    while (!(await tryLock(path, token))) {
      if (await removeLeftOver(path)) continue
      if (Date.now() >= until) {
        const [pid, host] = (await readFile(path, 'utf8').catch(() => '')).split(' ')
        const holder = pid && host ? `process ${pid} on ${host}` : 'another process'
        throw new JobError(
          'JOBS_LOCKED',
          `The jobs in ${path} are in the hands of ${holder}. End it, or wait for it.`,
        )
      }
      await delay(LOOK_MS)
    }
    held.add(token)
    return new FolderLock(path, token)
  }

  /** @throws {JobError} `JOBS_LOCKED` if another process has taken over, as after a long sleep. */
  async check(): Promise<void> {
    if (!this.#lost && Date.now() - this.#seenAt > STALE_MS / 2) await this.#touch()
    if (this.#lost) {
      throw new JobError(
        'JOBS_LOCKED',
        `Another process has taken over ${this.#path}, as this one was asleep.`,
      )
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#beat)
    held.delete(this.#token)
    if ((await readFile(this.#path, 'utf8').catch(() => '')) === this.#token)
      await rm(this.#path, { force: true })
  }

  async #touch(): Promise<void> {
    try {
      if ((await readFile(this.#path, 'utf8')) !== this.#token) this.#lost = true
      else {
        const now = new Date()
        await utimes(this.#path, now, now)
        this.#seenAt = now.getTime()
      }
    } catch (error) {
      if (systemCode(error) === 'ENOENT') this.#lost = true
    }
  }
}

/** Locks of this process, so that one of its number from before a restart of its container is told apart. */
const held = new Set<string>()

async function tryLock(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw new JobError('JOBS_STORE', `${path} cannot be written (${systemCode(error)}).`, { cause: error })
  }
}

/** @returns Whether the lock is out of the way. */
async function removeLeftOver(path: string): Promise<boolean> {
  const holder = await readFile(path, 'utf8').catch(() => undefined)
  const touched = await stat(path).catch(() => undefined)
  if (holder === undefined || !touched) return true
  if (Date.now() - touched.mtimeMs < STALE_MS && isRunning(holder)) return false
  // Renaming is done by one process only; it may have caught a lock that was taken in between, which goes back.
  const caught = `${path}.${randomUUID()}`
  const renamed = await rename(path, caught).then(
    () => true,
    () => false,
  )
  if (!renamed) return true
  const was = await readFile(caught, 'utf8').catch(() => '')
  await (was === holder ? rm(caught, { force: true }) : rename(caught, path))
  return was === holder
}

/** Whether a holder may be running. A lock that is being written has no number yet. */
function isRunning(holder: string): boolean {
  const [number, host] = holder.split(' ')
  const pid = Number(number)
  if (host !== hostname() || !Number.isInteger(pid) || pid <= 0) return true
  if (pid === process.pid) return held.has(holder)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
