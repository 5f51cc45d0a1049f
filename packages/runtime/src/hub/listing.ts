import { HubError } from '@longtake/core'
import { isObject } from '../checkpoint/fields.js'

/** Most files of a revision; the largest model repositories have some thousands. */
const MAX_FILES = 20_000
/** Most bytes of one file and of all; the largest published checkpoints have about 2 TB. */
const MAX_FILE_BYTES = 2 ** 42
const MAX_PATH_LENGTH = 255
const MAX_PATH_DEPTH = 8
/** Names that Windows takes for devices, whatever their ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** A file of a revision, as the hub describes it. */
export interface HubFile {
  /** Relative, with `/`; safe to join to a folder. */
  readonly path: string
  readonly sizeBytes: number
  /** Of the content (`sha256`, large files), or of git's blob of it (`git-sha1`). */
  readonly algorithm: 'sha256' | 'git-sha1'
  /** Lower-case hex. */
  readonly hash: string
}

/** Everything that a revision holds. */
export interface Revision {
  /** Commit, 40 hex digits. */
  readonly commit: string
  readonly paths: readonly string[]
  /** The description of a file that `paths` names. @throws {HubError} `HUB_INVALID` If it lacks size or hash. */
  file(path: string): HubFile
}

/**
 * Reads a hub's answer about a revision.
 *
 * @throws {HubError} `HUB_INVALID` for an answer of another form, and for any path that would leave a folder.
 */
export function readRevision(answer: unknown): Revision {
  const { sha, siblings } = isObject(answer) ? answer : {}
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) throw invalid('has no commit in "sha"')
  if (!Array.isArray(siblings)) throw invalid('has no list "siblings"')
  if (siblings.length > MAX_FILES)
    throw invalid(`lists ${siblings.length} files; at most ${MAX_FILES} are read`)
  const entries = new Map<string, Readonly<Record<string, unknown>>>()
  const seen = new Set<string>()
  for (const entry of siblings) {
    const path = isObject(entry) ? entry.rfilename : undefined
    if (!isObject(entry) || typeof path !== 'string' || !isSafePath(path)) {
      throw invalid(`names the file ${shown(path)}, which cannot be a path inside a folder`)
    }
    // Two names that differ by case alone are one file on many systems.
    const folded = path.toLowerCase()
    if (seen.has(folded)) throw invalid(`names the file ${shown(path)} twice`)
    seen.add(folded)
    entries.set(path, entry)
  }
  return { commit: sha, paths: [...entries.keys()], file: (path) => describeFile(path, entries.get(path)) }
}

/** Whether a path from outside stays inside the folder that it is joined to, on every system. */
function isSafePath(path: string): boolean {
  if (path.length > MAX_PATH_LENGTH || /[\\:\p{Cc}]/u.test(path)) return false
  const parts = path.split('/')
  if (parts.some((part) => DEVICE.test(part))) return false
  return parts.length <= MAX_PATH_DEPTH && parts.every((part) => part !== '' && !/^\.{1,2}$|[. ]$/.test(part))
}

function describeFile(path: string, entry: Readonly<Record<string, unknown>> | undefined): HubFile {
  const lfs = isObject(entry?.lfs) ? entry.lfs : undefined
  const sizeBytes = lfs?.size ?? entry?.size
  const hash = lfs === undefined ? entry?.blobId : lfs.sha256
  const digits = lfs === undefined ? 40 : 64
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw invalid(`says no size of ${path}`)
  }
  if (sizeBytes > MAX_FILE_BYTES) throw invalid(`says ${sizeBytes} bytes of ${path}`)
  if (typeof hash !== 'string' || hash.length !== digits || !/^[0-9a-f]+$/.test(hash)) {
    throw invalid(`says no hash of ${path}`)
  }
  return { path, sizeBytes, algorithm: lfs === undefined ? 'git-sha1' : 'sha256', hash }
}

function shown(path: unknown): string {
  return typeof path === 'string' ? JSON.stringify(path.slice(0, 80)) : String(typeof path)
}

function invalid(what: string): HubError {
  return new HubError('HUB_INVALID', `The hub's list of files ${what}. Nothing was downloaded.`)
}
