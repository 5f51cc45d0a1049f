import { CheckpointError, InvalidOptionError } from '@longtake/core'
import type { CheckpointFiles } from '../checkpoint/checkpoint-files.js'
import { USUAL_PATIENCE } from './client.js'
import { requireModel } from './model-id.js'
import { type PullOptions, pull } from './pull.js'
import { RemoteModel } from './remote-model.js'
import { type HubOptions, hubSettings, modelsPlace } from './settings.js'
import { DEFAULT_REVISION, listStore, ModelStore, type PulledModel } from './store.js'

/** Where pulled models are looked for. */
export interface ModelsOptions {
  /** Default `modelsFolder(process.env)`. */
  readonly folder?: string | undefined
}

/** See `pulledModels` of the package. */
export async function pulledModels({ folder }: ModelsOptions = {}): Promise<PulledModel[]> {
  return listStore(modelsPlace(folder))
}

/** See `removeModel` of the package. */
export async function removeModel(id: string, { folder }: ModelsOptions = {}): Promise<number> {
  const model = requireModel(id)
  return new ModelStore(modelsPlace(folder), model).remove(model.revision)
}

/** How a model that was not pulled is asked about. */
export interface RemoteOptions extends HubOptions {
  readonly revision?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A model on its hub, and what pulling it would download. */
export interface RemoteFiles {
  readonly files: CheckpointFiles
  readonly commit: string
  readonly download: { readonly bytes: number; readonly files: number }
}

/**
 * A model's files on its hub, without downloading them.
 *
 * @throws {CheckpointError} If the model cannot be loaded, as far as its list of files shows.
 * @throws {HubError} If the hub cannot be reached, refuses, or contradicts itself.
 * @throws {InvalidOptionError} If an option cannot be used.
 */
export async function remoteFiles(id: string, options: RemoteOptions): Promise<RemoteFiles> {
  const model = requireModel(id, options.revision)
  const signal = options.signal ?? new AbortController().signal
  const access = { settings: hubSettings(options), patience: USUAL_PATIENCE, signal }
  const remote = await RemoteModel.open(model, access)
  const chosen = await remote.choose()
  const bytes = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { files: remote, commit: remote.commit, download: { bytes, files: chosen.length } }
}

/** How the folder of a model is found. */
export interface HubLookup extends Omit<PullOptions, 'offline'> {
  /** Whether a model that is not here is downloaded. Default false. */
  readonly pull?: boolean | undefined
}

/**
 * The folder of a pulled model. No hub is asked for one that is here.
 *
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND`, with the command that pulls it.
 * @throws {HubError} Only with `pull`: if the download fails.
 * @throws {InvalidOptionError} If an option cannot be used.
 */
export async function hubFolder(
  id: string,
  { pull: mayPull = false, ...options }: HubLookup,
): Promise<string> {
  if (typeof mayPull !== 'boolean') throw new InvalidOptionError('hub.pull', 'true or false', mayPull)
  const found = await pulledFolder(id, options)
  if (found !== undefined) return found
  if (mayPull) return (await pull(id, options)).folder
  const { id: name, revision } = requireModel(id, options.revision)
  const asked = revision === undefined ? name : `${name}@${revision}`
  throw new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `${asked} is no folder here, and was not pulled to ${modelsPlace(options.folder)}. Run: longtake pull ${asked}`,
  )
}

/** The folder of a model that was pulled; undefined where it was not. @throws {InvalidOptionError} */
export async function pulledFolder(
  id: string,
  { folder, revision: asked }: Pick<RemoteOptions, 'folder' | 'revision'>,
): Promise<string | undefined> {
  const model = requireModel(id, asked)
  const found = await new ModelStore(modelsPlace(folder), model).find(model.revision ?? DEFAULT_REVISION)
  return found?.folder
}
