import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from '../features/error.js'
import { isRunning } from '../is-running.js'
import { cancelled, throwIfAborted } from '../ort/abort.js'

/** How often a lock that another process holds is looked at. */
const LOOK_MS = 200

/**
 * Waits until no other process holds a lock, and takes it. The lock of a process that has ended is taken over.
 *
 * @param path - A file that is there while the lock is held; its folder must be there.
 * @returns What gives the lock back.
 * @throws {CancelledError} If the signal fires while waiting.
 */
export async function takeLock(path: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  const token = `${process.pid} ${randomUUID()}`
  while (!(await tryLock(path, token))) {
    throwIfAborted(signal)
    if (await isAbandoned(path)) continue
    await delay(LOOK_MS, undefined, signal && { signal }).catch((error: unknown) => {
      throw signal?.aborted ? cancelled(signal) : error
    })
  }
  return () => rm(path, { force: true })
}

async function tryLock(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Whether the lock's process has ended; then the lock is out of the way. */
async function isAbandoned(path: string): Promise<boolean> {
  const holder = await readFile(path, 'utf8').catch(() => undefined)
  if (holder === undefined) return true
  const pid = Number.parseInt(holder, 10)
  // A lock that is being written has no number yet: its process is running.
  if (!Number.isInteger(pid) || pid <= 0 || isRunning(pid)) return false
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
