import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE_ENTRY_ENDING } from '@longtake/runtime'

/** Below the cache's folder, for what links fetch. */
export const LINKS_FOLDER = 'links'

/** What a cache holds. */
export interface CacheSize {
  /** Videos whose features are there. */
  readonly entries: number
  readonly sizeBytes: number
  /** Bytes that links fetched. */
  readonly linkBytes: number
}

/** How much a cache holds; nothing where the folder is not there yet. Fails where it cannot be used. */
export async function measureCache(folder: string): Promise<CacheSize> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) return { entries: 0, sizeBytes: 0, linkBytes: 0 }
  const names = (await readdir(folder)).filter((name) => name.endsWith(CACHE_ENTRY_ENDING))
  await access(folder, constants.W_OK)
  const links = await readdir(join(folder, LINKS_FOLDER), { recursive: true }).catch(() => [])
  return {
    entries: names.length,
    sizeBytes: await sizeOf(folder, names),
    linkBytes: await sizeOf(join(folder, LINKS_FOLDER), links),
  }
}

async function sizeOf(folder: string, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (facts) => (facts.isFile() ? facts.size : 0),
        // Another process may remove one meanwhile.
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
