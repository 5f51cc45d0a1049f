import { openWeights } from '../builds/weight-store.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { createScratch } from '../features/scratch.js'
import { throwIfAborted } from '../ort/abort.js'
import { type Backend, type BackendKind, openBackend } from '../ort/index.js'
import { isRemoteId } from '../remote/remote-id.js'
import { openVideo } from '../video/open-video.js'
import { checkObject } from './check.js'
import { isBackend } from './is-backend.js'
import { checkLoad, type LoadOptions } from './load-options.js'
import { type Longtake, openLongtake } from './loaded-longtake.js'
import type { Models } from './models.js'
import type { OpenVideo, Platform } from './platform.js'

export type { Longtake } from './loaded-longtake.js'

/**
 * Loads a checkpoint.
 *
 * @param id - A folder in the published Hugging Face layout (path or `file:` URL), or an installed package that
 *   carries one, such as `@longtake/tiny`, or a model that was pulled from a hub (`org/name`, `org/name@revision`); or
 *   a model behind an API as OpenAI's, `openai:https://host/v1#name`, which is sent pictures of what is watched.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 * @throws {HubError} Only with `hub.pull`: if the download fails.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if ONNX Runtime cannot be loaded here.
 * @throws {InvalidOptionError} If an option is unknown or out of its range.
 * @throws {CancelledError} If `signal` fires; nothing is left then.
 */
export async function load(id: string | URL, options: LoadOptions = {}): Promise<Longtake> {
  try {
    return await loadWith(id, options, openBackend)
  } catch (error) {
    if (isBackend(options?.backend)) await options.backend.close()
    throw error
  }
}

/**
 * `load` with a back end that the caller opens; the model closes it.
 *
 * @param openVideoWith - What opens videos, such as a process of their own.
 */
export async function loadWith(
  id: string | URL,
  options: LoadOptions,
  open: (kind: 'auto' | BackendKind) => Promise<Backend>,
  openVideoWith: OpenVideo = openVideo,
): Promise<Longtake> {
  if (isRemoteId(id)) {
    const { loadRemote } = await import('../remote/load-remote.js')
    const loadGuide = (guide: string, own: LoadOptions) => loadWith(guide, own, open, openVideoWith)
    return loadRemote(id, checkObject(options), { openVideo: openVideoWith, load: loadGuide })
  }
  const { backend: wanted, weights, threads, signal, cache, hub, builds } = checkLoad(options)
  throwIfAborted(signal)
  const checkpoint = await openCheckpoint(id, { ...hub, signal })
  const platform: Platform = {
    openVideo: openVideoWith,
    openWeights: (read, graphs) => openWeights(read, graphs, { ...builds, signal }),
    createScratch,
  }
  const shelf = cache && (await import('./feature-shelf.js'))
  const openShelf = shelf && ((models: Models) => new shelf.FeatureShelf(models, cache))
  const openWanted = async () => (typeof wanted === 'string' ? open(wanted) : wanted)
  return openLongtake(checkpoint, openWanted, { platform, weights, threads, signal, openShelf })
}
