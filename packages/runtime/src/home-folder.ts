import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { cacheFolder } from './features/default-folder.js'

/** A folder of Longtake's own: in `LONGTAKE_HOME`, else in `HF_HOME/longtake`, else in the system's folder for caches. */
export function homeFolder(name: string, environment: Readonly<Record<string, string | undefined>>): string {
  const { LONGTAKE_HOME: own, HF_HOME: shared } = environment
  if (own) return resolve(own, name)
  if (shared) return resolve(shared, 'longtake', name)
  const surroundings = { ...environment, LONGTAKE_CACHE: undefined }
  return join(cacheFolder({ environment: surroundings, platform: process.platform, home: homedir() }), name)
}

/** The path that an option holds, absolute. */
export function checkPath(option: string, folder: unknown): string {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    throw new InvalidOptionError(option, 'a path', folder)
  }
  return resolve(folder)
}
