import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { cacheFolder } from '../features/default-folder.js'

/**
 * The folder of prepared weights: `LONGTAKE_HOME/builds`, else `HF_HOME/longtake/builds`, else `builds` in the
 * system's folder for caches.
 */
export function buildsFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { LONGTAKE_HOME: own, HF_HOME: shared } = environment
  if (own) return resolve(own, 'builds')
  if (shared) return resolve(shared, 'longtake', 'builds')
  const surroundings = { ...environment, LONGTAKE_CACHE: undefined }
  return join(
    cacheFolder({ environment: surroundings, platform: process.platform, home: homedir() }),
    'builds',
  )
}

/** The folder that is meant, absolute. */
export function buildsPlace(folder: unknown): string {
  if (folder === undefined) return buildsFolder(process.env)
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    throw new InvalidOptionError('builds.folder', 'a path', folder)
  }
  return resolve(folder)
}
