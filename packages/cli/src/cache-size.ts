import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE_ENTRY_ENDING } from '@longtake/runtime'

/** How much a feature cache holds; nothing where the folder is not there yet. Fails where it cannot be used. */
export async function measureCache(folder: string): Promise<{ entries: number; sizeBytes: number }> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) return { entries: 0, sizeBytes: 0 }
  const names = (await readdir(folder)).filter((name) => name.endsWith(CACHE_ENTRY_ENDING))
  await access(folder, constants.W_OK)
  // Another process may remove one meanwhile.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return { entries: names.length, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) }
}
