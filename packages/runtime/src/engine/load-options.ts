import { InvalidOptionError } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import type { BuildProgress } from '../builds/build.js'
import { buildsPlace } from '../builds/place.js'
import type { BuildsOptions } from '../builds/weight-store.js'
import type { HubLookup } from '../hub/index.js'
import type { Backend, BackendKind } from '../ort/index.js'
import type { RemoteOptions } from '../remote/remote-options.js'
import { checkChoice, checkFields, checkInteger, checkObject, checkSignal } from './check.js'
import type { CacheOptions } from './feature-shelf.js'
import { isBackend } from './is-backend.js'

const MAX_THREADS = 1024

/** Options of `load` about models of a hub. */
export type HubLoadOptions = Omit<HubLookup, 'signal'>

/** Where prepared weights are kept. */
export interface BuildPlace {
  /** Default `buildsFolder(process.env)`. */
  readonly folder?: string | undefined
  /** Whether weights of 256 MiB and less are prepared on disk too; default false. */
  readonly always?: boolean | undefined
}

export interface LoadOptions {
  /**
   * `resident` keeps the KV cache in native memory; `portable` runs everywhere; default `auto` prefers the first. Or an
   * open one, such as one that measures what another does: it belongs to `load`, which closes it with the model, or if
   * it fails.
   */
  readonly backend?: 'auto' | BackendKind | Backend | undefined
  /**
   * Storage of the matrices. Default by the size of the model: `fp32` up to 2^28 parameters, `int8` up to 2^32, `int4`
   * beyond.
   */
  readonly weights?: WeightType | undefined
  /** Threads of one operator, 1 or more; default the machine's cores. */
  readonly threads?: number | undefined
  /**
   * Whether what is encoded of videos is kept on disk, so that the same plan of the same video neither decodes nor
   * encodes again, in this process or another; `true`, or where and how much. Default `false`.
   */
  readonly cache?: boolean | CacheOptions | undefined
  /** Where pulled models are found, and whether a model that was not pulled may be downloaded. Default: it is not. */
  readonly hub?: HubLoadOptions | undefined
  /**
   * Whether the weights are prepared on disk once and mapped into memory from then on, by this and every later `load`
   * of the same checkpoint with the same `weights`; `true`, `false`, or where. Default: where they take more than
   * 256 MiB.
   */
  readonly builds?: boolean | BuildPlace | undefined
  /** How a model behind an API is asked, `openai:https://host/v1#name`; for no other. */
  readonly remote?: RemoteOptions | undefined
  /** Told how far preparing the weights has come; never called where they are ready. */
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined
  /** Ends the loading between two graphs, or within a few rows while weights are prepared; `load` then rejects with `CancelledError`. */
  readonly signal?: AbortSignal | undefined
}

/** Options of `load`, checked, with what they mean where nothing was said. */
export function checkLoad(options: LoadOptions) {
  const known = ['backend', 'weights', 'threads', 'cache', 'hub', 'builds', 'onProgress', 'signal']
  if (checkObject(options).remote !== undefined)
    throw new InvalidOptionError('remote', 'nothing: the model runs on this machine', options.remote)
  checkFields(options, [...known, 'remote'])
  return {
    backend: checkBackend(options.backend ?? 'auto'),
    weights:
      options.weights === undefined
        ? undefined
        : checkChoice('weights', options.weights, ['fp32', 'int8', 'int4']),
    threads:
      options.threads === undefined ? undefined : checkInteger('threads', options.threads, 1, MAX_THREADS),
    cache: checkCache(options.cache),
    hub: checkHub(options.hub),
    builds: checkBuilds(options.builds, options.onProgress),
    signal: checkSignal(options.signal),
  }
}

function checkBackend(backend: 'auto' | BackendKind | Backend): 'auto' | BackendKind | Backend {
  return isBackend(backend) ? backend : checkChoice('backend', backend, ['auto', 'resident', 'portable'])
}

function checkHub(hub: LoadOptions['hub']): HubLoadOptions {
  if (hub === undefined) return {}
  if (typeof hub !== 'object' || hub === null) throw new InvalidOptionError('hub', 'an object', hub)
  checkFields(hub, ['folder', 'endpoint', 'token', 'revision', 'pull', 'onProgress'])
  return hub
}

function checkBuilds(
  builds: LoadOptions['builds'],
  onProgress: LoadOptions['onProgress'],
): Omit<BuildsOptions, 'signal'> {
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new InvalidOptionError('onProgress', 'a function', onProgress)
  if (builds === undefined || typeof builds === 'boolean')
    return { folder: buildsPlace(undefined), wanted: builds, onProgress }
  if (typeof builds !== 'object' || builds === null)
    throw new InvalidOptionError('builds', 'true, false, or an object with folder and always', builds)
  checkFields(builds, ['folder', 'always'])
  const { folder, always = false } = builds
  if (typeof always !== 'boolean') throw new InvalidOptionError('builds.always', 'true or false', always)
  return { folder: buildsPlace(folder), wanted: always || undefined, onProgress }
}

function checkCache(cache: LoadOptions['cache']): CacheOptions | undefined {
  if (cache === undefined || cache === false) return undefined
  if (cache === true) return {}
  if (typeof cache !== 'object' || cache === null) {
    throw new InvalidOptionError('cache', 'true, false, or an object with folder and maxBytes', cache)
  }
  checkFields(cache, ['folder', 'maxBytes'])
  const { folder, maxBytes } = cache
  if (folder !== undefined && (typeof folder !== 'string' || folder === '' || folder.includes('\0'))) {
    throw new InvalidOptionError('cache.folder', 'a path', folder)
  }
  if (maxBytes !== undefined) checkInteger('cache.maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER)
  return { ...(folder !== undefined && { folder }), ...(maxBytes !== undefined && { maxBytes }) }
}
