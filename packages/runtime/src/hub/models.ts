import { CheckpointError, InvalidOptionError } from '@longtake/core'
import { requireModel } from './model-id.js'
import { type PullOptions, pull } from './pull.js'
import { modelsPlace } from './settings.js'
import { DEFAULT_REVISION, listStore, ModelStore, type PulledModel } from './store.js'

/** Where pulled models are looked for. */
export interface ModelsOptions {
  /** Default `modelsFolder(process.env)`. */
  readonly folder?: string | undefined
}

/** Every model that was pulled and is complete, by id. */
export async function pulledModels({ folder }: ModelsOptions = {}): Promise<PulledModel[]> {
  return listStore(modelsPlace(folder))
}

/**
 * Removes a pulled model: one revision of it where the id says one, else all, with what is unfinished.
 *
 * @param id - `org/name` or `org/name@revision`.
 * @returns Bytes that were removed.
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` if it is not here.
 * @throws {InvalidOptionError} If the id cannot be one.
 */
export async function removeModel(id: string, { folder }: ModelsOptions = {}): Promise<number> {
  const model = requireModel(id)
  return new ModelStore(modelsPlace(folder), model).remove(model.revision)
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
  const model = requireModel(id, options.revision)
  const place = modelsPlace(options.folder)
  const { revision } = model
  const found = await new ModelStore(place, model).find(revision ?? DEFAULT_REVISION)
  if (found !== undefined) return found.folder
  if (mayPull) return (await pull(id, options)).folder
  const asked = revision === undefined ? model.id : `${model.id}@${revision}`
  throw new CheckpointError(
    'CHECKPOINT_NOT_FOUND',
    `${asked} is no folder here, and was not pulled to ${place}. Run: longtake pull ${asked}`,
  )
}
