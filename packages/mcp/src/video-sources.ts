import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { VideoError } from '@longtake/core'
import { type LinkPolicy, openLink } from '@longtake/runtime'
import type { Media } from '@longtake/runtime/open-videos'

/** What an agent may name. */
export interface SourceOptions {
  /** Folders whose files may be named; none by default: who steers an agent may be a stranger. */
  readonly folders?: readonly string[] | undefined
  /** Where links may lead; by default the public internet only. */
  readonly links?: LinkPolicy | undefined
}

/**
 * @param video - A link, or a file below one of the folders.
 * @throws {VideoError} `VIDEO_NOT_FOUND` for a file that is not there, or not below one of the folders: both read the same.
 */
export async function namedVideo(video: string, { folders = [], links }: SourceOptions): Promise<Media> {
  if (/^(https?|data):/i.test(video))
    return { key: `link ${video}`, open: (signal) => openLink(video, { policy: links, signal }) }
  const path = await findFile(video, folders)
  if (path !== undefined) return { key: `file ${path}`, open: async () => path }
  const where =
    folders.length === 0 ? 'only links are open to agents here' : `looked below ${folders.join(', ')}`
  throw new VideoError('VIDEO_NOT_FOUND', `There is no such video (${where}). Give an http(s): link.`)
}

/** Symbolic links are followed first, so that none leads out of a folder. */
async function findFile(video: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const [root, path] = await Promise.all([real(folder), real(resolve(folder, video))])
    if (root === undefined || path === undefined) continue
    if (path.startsWith(root.endsWith(sep) ? root : root + sep)) return path
  }
  return undefined
}

function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined)
}
