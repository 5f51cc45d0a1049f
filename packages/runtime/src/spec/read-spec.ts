import { CancelledError, InvalidOptionError } from '@longtake/core'
import { CheckpointFolder } from '../checkpoint/folder.js'
import { readModel } from '../checkpoint/read-model.js'
import { localPlace } from '../checkpoint/resolve.js'
import { checkFields, checkObject, checkSignal } from '../engine/check.js'
import { type HubOptions, hubFolder, pulledFolder, remoteFiles } from '../hub/index.js'
import { throwIfAborted } from '../ort/abort.js'
import { type ModelSizes, sizesOf } from './sizes.js'

/** How a model is looked at. */
export interface ReadSpecOptions {
  /**
   * Where pulled models are, and the hub that is asked about one that was not pulled. Without it, and with `offline`, no
   * hub is asked.
   */
  readonly hub?:
    | (HubOptions & {
        /** Branch, tag or commit; default that of the id, else `main`. */
        readonly revision?: string | undefined
        /** Ask no hub: describe what is here, or fail. Default false. */
        readonly offline?: boolean | undefined
      })
    | undefined
  readonly signal?: AbortSignal | undefined
}

/** What is known of a model without loading it. */
export interface ModelDescription extends ModelSizes {
  /** The id that it was asked for by. */
  readonly id: string
  /** Folder of the model; absent where it is not here. */
  readonly folder?: string
  /** Commit on the hub, where it is not here. */
  readonly commit?: string
  /** What `pull` would download; nothing where the model is here. */
  readonly download: { readonly bytes: number; readonly files: number }
}

/** See `readSpec` of the package. */
export async function readSpec(id: string | URL, options: ReadSpecOptions = {}): Promise<ModelDescription> {
  checkFields(checkObject(options), ['hub', 'signal'])
  const signal = checkSignal(options.signal)
  const { offline = options.hub === undefined, ...hub } = checkHub(options.hub)
  throwIfAborted(signal)
  try {
    const place = await localPlace(id)
    if ('folder' in place) return await describeFolder(String(id), place.folder)
    const pulled = offline ? await hubFolder(place.model, hub) : await pulledFolder(place.model, hub)
    if (pulled !== undefined) return await describeFolder(String(id), pulled)
    const { files, commit, download } = await remoteFiles(place.model, { ...hub, signal })
    return { id: String(id), commit, download, ...sizesOf(await readModel(files)) }
  } catch (error) {
    if (signal?.aborted && !(error instanceof CancelledError))
      throw new CancelledError(undefined, { cause: error })
    throw error
  }
}

function checkHub(hub: ReadSpecOptions['hub']): NonNullable<ReadSpecOptions['hub']> {
  if (hub === undefined) return {}
  if (typeof hub !== 'object' || hub === null) throw new InvalidOptionError('hub', 'an object', hub)
  checkFields(hub, ['folder', 'endpoint', 'token', 'revision', 'offline'])
  if (hub.offline !== undefined && typeof hub.offline !== 'boolean') {
    throw new InvalidOptionError('hub.offline', 'true or false', hub.offline)
  }
  return hub
}

async function describeFolder(id: string, path: string): Promise<ModelDescription> {
  const folder = new CheckpointFolder(path)
  try {
    return { id, folder: path, download: { bytes: 0, files: 0 }, ...sizesOf(await readModel(folder)) }
  } finally {
    await folder.close()
  }
}
