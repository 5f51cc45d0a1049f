import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** How a file is called until it is whole. */
export const PART_ENDING = '.part'

/** Writes a file that is there whole or not at all, also after a loss of power; it takes the place of an earlier one. */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const part = join(dirname(path), `${basename(path).slice(0, 40)}-${randomUUID()}${PART_ENDING}`)
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** Removes a file, if it is there, so that it does not come back after a loss of power. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncFolder(dirname(path))
}

/** Some systems cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
