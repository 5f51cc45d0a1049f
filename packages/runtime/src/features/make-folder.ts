import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './error.js'

/**
 * Makes a folder, and those above it, for this user only; one that is there is left as it is. Not by `mkdir` with
 * `recursive`, which never ends where a system answers `ENOENT` in a folder that exists, as Linux does in `/proc`.
 *
 * @param path - Absolute.
 * @throws The system's error if there can be no such folder.
 */
export async function makeFolder(path: string): Promise<void> {
  const failure = await tryFolder(path)
  if (failure === undefined) return
  const above = dirname(path)
  if (systemCode(failure) !== 'ENOENT' || above === path) throw failure
  await makeFolder(above)
  const again = await tryFolder(path)
  if (again !== undefined) throw again
}

/** What the system says, unless the folder is there in the end. */
async function tryFolder(path: string): Promise<unknown> {
  try {
    await mkdir(path, { mode: 0o700 })
    return undefined
  } catch (error) {
    const isFolder = await stat(path).then(
      (facts) => facts.isDirectory(),
      () => false,
    )
    return isFolder ? undefined : error
  }
}
