import { checkPath, homeFolder } from '../home-folder.js'

/**
 * The folder of prepared weights: `LONGTAKE_HOME/builds`, else `HF_HOME/longtake/builds`, else `builds` in the
 * system's folder for caches.
 */
export function buildsFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return homeFolder('builds', environment)
}

/** The folder that is meant, absolute. */
export function buildsPlace(folder: unknown): string {
  return folder === undefined ? buildsFolder(process.env) : checkPath('builds.folder', folder)
}
