import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CheckpointError, HubError, LongtakeError } from '@longtake/core'
import { isObject } from '../checkpoint/fields.js'
import { systemCode } from '../features/error.js'
import { makeFolder } from '../features/make-folder.js'
import { isRunning } from '../is-running.js'
import type { HubFile } from './listing.js'
import { type HubModel, parseModelId } from './model-id.js'

/** What is asked for where nothing is said. */
export const DEFAULT_REVISION = 'main'
const COMMIT = /^[0-9a-f]{40}$/
const MANIFEST_ENDING = '.json'
/** Not a character of revisions. */
const DRAFT_ENDING = '~'

/** A revision of a model that is complete on this machine. */
export interface PulledModel {
  /** `org/name`. */
  readonly id: string
  /** Commit, 40 hex digits. */
  readonly commit: string
  /** Branches and tags that it was pulled by. */
  readonly revisions: readonly string[]
  /** Absolute; in the published layout. */
  readonly folder: string
  readonly files: number
  readonly sizeBytes: number
}

/**
 * Where a model's revisions are kept: `org/name/COMMIT/` holds the files, `COMMIT.json` beside it says that they are
 * complete, `refs/` holds the commit of each branch or tag.
 */
export class ModelStore {
  readonly #model: HubModel
  readonly #folder: string

  constructor(modelsFolder: string, model: HubModel) {
    this.#model = model
    this.#folder = join(modelsFolder, model.organisation, model.name)
  }

  /** Where the files of a revision go. */
  filesFolder(commit: string): string {
    return join(this.#folder, commit)
  }

  /** The complete revision that a branch, tag or commit stands for here. */
  async find(revision: string): Promise<PulledModel | undefined> {
    const ref = await readFile(this.#refPath(revision), 'utf8').catch(() => '')
    const commit = COMMIT.test(ref) ? ref : COMMIT.test(revision) ? revision : undefined
    return commit === undefined ? undefined : this.#read(commit)
  }

  /** All complete revisions, by commit. */
  async list(): Promise<PulledModel[]> {
    const names = await namesIn(this.#folder)
    const commits = names.filter((name) => name.endsWith(MANIFEST_ENDING)).map((name) => name.slice(0, 40))
    const found = await Promise.all([...new Set(commits)].sort().map((commit) => this.#read(commit)))
    return found.filter((entry) => entry !== undefined)
  }

  /** Declares a revision complete: the last step of pulling it. */
  async complete(commit: string, revision: string, files: readonly HubFile[]): Promise<void> {
    const listed = files.map(({ path, sizeBytes, algorithm, hash }) => ({ path, sizeBytes, algorithm, hash }))
    const manifest = { version: 1, id: this.#model.id, commit, files: listed }
    await writeWhole(this.#manifestPath(commit), `${JSON.stringify(manifest, null, 2)}\n`)
    await this.name(commit, revision)
  }

  /** Remembers that a branch or tag stands for a commit. */
  async name(commit: string, revision: string): Promise<void> {
    if (commit !== revision) await writeWhole(this.#refPath(revision), commit)
  }

  /** Keeps other processes from pulling the same revision; resolves to what ends that. */
  async lock(commit: string): Promise<() => Promise<void>> {
    const path = join(this.#folder, `${commit}.lock`)
    await makeFolder(this.#folder)
    for (let tries = 0; tries < 2; tries++) {
      try {
        await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 })
        return () => rm(path, { force: true })
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error
        const holder = Number(await readFile(path, 'utf8').catch(() => ''))
        if (Number.isInteger(holder) && holder > 0 && isRunning(holder)) break
        await rm(path, { force: true })
      }
    }
    throw new HubError(
      'HUB_STORE',
      `${this.#model.id} is being pulled by another process. If there is none, remove ${path}.`,
    )
  }

  /**
   * Removes a revision, or all with what is unfinished. The manifest goes first, so that nothing half removed is used.
   *
   * @returns Bytes of the complete revisions that were removed.
   * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` where there is nothing to remove.
   */
  async remove(revision: string | undefined): Promise<number> {
    const one = revision === undefined ? undefined : await this.find(revision)
    const found = revision === undefined ? await this.list() : one ? [one] : []
    if (found.length === 0 && (revision !== undefined || (await namesIn(this.#folder)).length === 0)) {
      const what = revision === undefined ? this.#model.id : `${this.#model.id}@${revision}`
      throw new CheckpointError('CHECKPOINT_NOT_FOUND', `${what} is not here: see longtake models.`)
    }
    for (const entry of found) await this.#removeOne(entry)
    if (revision === undefined) await rm(this.#folder, { recursive: true, force: true })
    return found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  async #removeOne({ commit, revisions, folder }: PulledModel): Promise<void> {
    await rm(this.#manifestPath(commit), { force: true })
    for (const name of revisions) await rm(this.#refPath(name), { force: true })
    await rm(folder, { recursive: true, force: true })
  }

  /** A revision whose manifest is whole and whose files have the sizes that it says. */
  async #read(commit: string): Promise<PulledModel | undefined> {
    const folder = this.filesFolder(commit)
    const files = await readManifest(this.#manifestPath(commit))
    if (files === undefined) return undefined
    const sizes = await Promise.all(files.map(({ path }) => fileSize(join(folder, path))))
    if (files.some(({ sizeBytes }, index) => sizes[index] !== sizeBytes)) return undefined
    return {
      id: this.#model.id,
      commit,
      revisions: await this.#namesOf(commit),
      folder,
      files: files.length,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    }
  }

  async #namesOf(commit: string): Promise<string[]> {
    const folder = join(this.#folder, 'refs')
    // Names that were not whole when a process ended, or were not written here, lead nowhere.
    const names = (await namesIn(folder)).filter((name) => parseModelId(`a/b@${decoded(name)}`) !== undefined)
    const commits = await Promise.all(
      names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')),
    )
    return names.filter((_, index) => commits[index] === commit).map(decoded)
  }

  #refPath(revision: string): string {
    return join(this.#folder, 'refs', encodeURIComponent(revision))
  }

  #manifestPath(commit: string): string {
    return join(this.#folder, commit + MANIFEST_ENDING)
  }
}

/** Every complete model in a folder of models, by id. */
export async function listStore(modelsFolder: string): Promise<PulledModel[]> {
  const found: PulledModel[] = []
  for (const organisation of (await namesIn(modelsFolder)).sort()) {
    for (const name of (await namesIn(join(modelsFolder, organisation))).sort()) {
      const model = parseModelId(`${organisation}/${name}`)
      if (model !== undefined) found.push(...(await new ModelStore(modelsFolder, model).list()))
    }
  }
  return found
}

/** Bytes of an ordinary file; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  return stat(path).then(
    (facts) => (facts.isFile() ? facts.size : undefined),
    () => undefined,
  )
}

/** A failure of the file system as a typed error; others as they are. */
export function asStoreError(error: unknown, folder: string): unknown {
  const code = systemCode(error)
  if (error instanceof LongtakeError || !/^E[A-Z]+$/.test(code)) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HubError(
      'HUB_NO_SPACE',
      'The disk is full. What has arrived is kept: make room and run it again.',
      {
        cause: error,
      },
    )
  }
  return new HubError(
    'HUB_STORE',
    `${folder} cannot be written (${code}): set LONGTAKE_HOME to a folder that can.`,
    { cause: error },
  )
}

async function readManifest(path: string): Promise<{ path: string; sizeBytes: number }[] | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(path, 'utf8'))
    const files = isObject(manifest) && manifest.version === 1 ? manifest.files : undefined
    if (!Array.isArray(files)) return undefined
    return files.map(({ path, sizeBytes }) => ({ path: String(path), sizeBytes: Number(sizeBytes) }))
  } catch {
    return undefined
  }
}

/** A file that has its name only when it is whole. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}${DRAFT_ENDING}`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
}

/** The revision that a file in `refs/` is named after; empty where it is none. */
function decoded(name: string): string {
  try {
    return name.endsWith(DRAFT_ENDING) ? '' : decodeURIComponent(name)
  } catch {
    return ''
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
