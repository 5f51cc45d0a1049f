import { join } from 'node:path'
import { CancelledError, HubError, InvalidOptionError } from '@longtake/core'
import { checkFields, checkSignal } from '../engine/check.js'
import { makeFolder } from '../features/make-folder.js'
import { freeBytes } from '../free-bytes.js'
import type { ChosenFile } from './choose.js'
import { type Patience, USUAL_PATIENCE } from './client.js'
import { downloadFile } from './download.js'
import type { HubFile } from './listing.js'
import { type HubModel, requireModel } from './model-id.js'
import { PullMeter, type PullProgress } from './progress.js'
import { type RemoteAccess, RemoteModel } from './remote-model.js'
import { segmentBytesHere } from './segments.js'
import { type HubOptions, hubSettings } from './settings.js'
import { asStoreError, DEFAULT_REVISION, fileSize, ModelStore, type PulledModel } from './store.js'

/** Files that come at once: enough to fill a line, few enough for a hub's limits. */
const PARALLEL_FILES = 4

/** How a model is pulled. */
export interface PullOptions extends HubOptions {
  /** Branch, tag or commit; default that of the id, else `main`. */
  readonly revision?: string | undefined
  /** Ask no hub: take what is here, or fail. Default false. */
  readonly offline?: boolean | undefined
  readonly onProgress?: ((progress: PullProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** See `pull` of the package. */
export async function pull(id: string, options: PullOptions = {}): Promise<PulledModel> {
  return pullWith(id, options, USUAL_PATIENCE)
}

/** `pull` with a patience of the caller's. */
export async function pullWith(id: string, options: PullOptions, patience: Patience): Promise<PulledModel> {
  checkFields(options, ['folder', 'endpoint', 'token', 'revision', 'offline', 'onProgress', 'signal'])
  const model = requireModel(id, options.revision)
  const settings = hubSettings(options)
  const signal = checkSignal(options.signal) ?? new AbortController().signal
  const { offline = false, onProgress } = options
  if (typeof offline !== 'boolean') throw new InvalidOptionError('offline', 'true or false', offline)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidOptionError('onProgress', 'a function', onProgress)
  }
  const work: PullWork = { model, settings, patience, signal, onProgress: onProgress ?? (() => {}) }
  try {
    if (signal.aborted) throw new CancelledError()
    return offline ? await findOffline(work) : await pullOnline(work)
  } catch (error) {
    if (signal.aborted && !(error instanceof CancelledError)) {
      throw new CancelledError(undefined, { cause: error })
    }
    throw asStoreError(error, settings.folder)
  }
}

interface PullWork extends RemoteAccess {
  readonly model: HubModel
  readonly onProgress: (progress: PullProgress) => void
}

async function findOffline({ model, settings }: PullWork): Promise<PulledModel> {
  const { id, revision = DEFAULT_REVISION } = model
  const found = await new ModelStore(settings.folder, model).find(revision)
  if (found !== undefined) return found
  throw new HubError(
    'HUB_OFFLINE',
    `${id} at ${revision} is not complete in ${settings.folder}; pull it without --offline.`,
  )
}

async function pullOnline(work: PullWork): Promise<PulledModel> {
  const { model, settings } = work
  const { revision = DEFAULT_REVISION } = model
  const remote = await RemoteModel.open(model, work)
  const { commit } = remote
  const store = new ModelStore(settings.folder, model)
  if (!(await store.find(commit))) {
    const files = await remote.choose()
    const unlock = await store.lock(commit)
    try {
      await downloadAll(files, store.filesFolder(commit), work)
      await store.complete(commit, revision, files)
    } finally {
      await unlock()
    }
  }
  await store.name(commit, revision)
  const found = await store.find(commit)
  if (found !== undefined) return found
  throw new HubError('HUB_STORE', `${model.id} was removed while it was pulled; run it again.`)
}

async function downloadAll(files: readonly ChosenFile[], folder: string, work: PullWork): Promise<void> {
  const total = { bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), files: files.length }
  await makeFolder(folder)
  await requireRoom(files, folder)
  const meter = new PullMeter(total, work.onProgress)
  const failed = new AbortController()
  const signal = AbortSignal.any([work.signal, failed.signal])
  const waiting = [...files]
  const { segmentBytes } = work.patience
  const job = { folder, signal, onBytes: meter.addBytes, segmentBytes }
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      signal.throwIfAborted()
      await downloadFile(file, job)
      meter.addFile()
    }
  }
  let failure: { readonly error: unknown } | undefined
  const workers = Array.from({ length: PARALLEL_FILES }, () =>
    worker().catch((error: unknown) => {
      // The others end because of the first.
      failure ??= { error }
      failed.abort()
    }),
  )
  await Promise.all(workers)
  if (failure !== undefined) throw failure.error
}

/** Told before the start, not after hours. */
async function requireRoom(files: readonly HubFile[], folder: string): Promise<void> {
  const missing = await Promise.all(files.map((file) => missingBytes(file, folder)))
  const needed = missing.reduce((sum, bytes) => sum + bytes, 0)
  const free = await freeBytes(folder)
  if (free === undefined || needed <= free) return
  throw new HubError(
    'HUB_NO_SPACE',
    `${needed} bytes are to come, and the disk of ${folder} has ${free} left. Make room, or set LONGTAKE_HOME to another disk.`,
  )
}

async function missingBytes({ path, sizeBytes }: HubFile, folder: string): Promise<number> {
  const part = `${join(folder, path)}.part`
  const there = await fileSize(join(folder, path))
  const arrived = there ?? ((await fileSize(part)) ?? 0) + (await segmentBytesHere(part))
  return Math.max(0, sizeBytes - arrived)
}
