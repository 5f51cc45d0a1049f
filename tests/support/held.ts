import { readdir, readlink } from 'node:fs/promises'
import type { Backend } from '../../packages/runtime/src/ort/index.js'
import { temporaryPath } from './temporary-folder.js'

/** What a process holds that must be given back. */
export interface Held {
  /** Native objects of the back end, by kind. */
  readonly native: Readonly<Record<string, number>>
  /** Open files that are films, checkpoints or temporary; known on Linux only. */
  readonly openFiles: readonly string[]
  /** Everything in the temporary folder. */
  readonly onDisk: readonly string[]
}

/** What is held now. Compare with what was held before. */
export async function held(backend?: Backend): Promise<Held> {
  return {
    native: { ...backend?.liveHandles },
    openFiles: await openFiles(),
    onDisk: (await readdir(temporaryPath(), { recursive: true })).sort(),
  }
}

async function openFiles(): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const names = await readdir('/proc/self/fd')
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return links.filter((link) => link.startsWith(temporaryPath()) || link.includes('/tests/data/')).sort()
}
