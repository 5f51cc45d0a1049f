import { InvalidOptionError } from '@longtake/core'
import type { WeightType } from '@longtake/kernels'
import { checkChoice, checkFields, checkInteger, checkObject, checkSignal } from '../engine/check.js'
import { isBackend } from '../engine/is-backend.js'
import type { Backend, WebBackendKind } from '../ort/types.js'

/**
 * Where a checkpoint is: the address of its folder, relative ones from the page; or its files, by their paths in the
 * folder, or as a folder's file input gives them.
 */
export type WebCheckpoint = string | URL | ReadonlyMap<string, Blob> | Iterable<File>

/** Where ONNX Runtime's WebAssembly files are: the address of their folder, or of each. */
export type WasmPaths = string | { readonly wasm?: string | URL; readonly mjs?: string | URL }

/** How much of a checkpoint's weights has been downloaded. */
export interface DownloadProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface LoadOptions {
  /**
   * `wasm` computes in WebAssembly; `webgpu` computes what sees pictures on the graphics card, and the decoder in
   * WebAssembly. Default `auto` is `wasm`. Or an open back end, which belongs to `load`, as the model's own.
   */
  readonly backend?: 'auto' | WebBackendKind | Backend | undefined
  /** Storage of the matrices. Default by the size of the model, as everywhere. */
  readonly weights?: WeightType | undefined
  /**
   * Threads of one operator, 1 to 64. More than one work only where the page is isolated (`crossOriginIsolated`); default
   * 1, and there the machine's, 4 at most. The first model that is loaded decides for the page.
   */
  readonly threads?: number | undefined
  /** Default: where the bundler puts them, beside onnxruntime-web's own module. The first model decides for the page. */
  readonly wasmPaths?: WasmPaths | undefined
  /** Told how far downloading the weights has come. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Ends the loading; `load` then rejects with `CancelledError`. */
  readonly signal?: AbortSignal | undefined
}

/** More are more than WebAssembly's pool takes. */
const MAX_THREADS = 64

/** What `load` takes elsewhere, and why a browser has none of it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  cache: 'nothing in a browser: there is no disk to keep features on',
  builds: 'nothing in a browser: there is no disk to prepare weights on',
  hub: 'nothing in a browser: give the address of the folder with the files',
  remote: 'nothing in a browser: models behind an API are asked from a server',
}

/** Options of `load` in a browser, checked. */
export function checkLoad(options: LoadOptions) {
  const given = checkObject(options) as Readonly<Record<string, unknown>>
  for (const [name, requirement] of Object.entries(ELSEWHERE))
    if (given[name] !== undefined && given[name] !== false)
      throw new InvalidOptionError(name, requirement, given[name])
  checkFields(options, [
    ...['backend', 'weights', 'threads', 'wasmPaths', 'onProgress', 'signal'],
    ...Object.keys(ELSEWHERE),
  ])
  const { backend = 'auto', weights, threads, onProgress } = options
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new InvalidOptionError('onProgress', 'a function', onProgress)
  return {
    backend: isBackend(backend) ? backend : checkChoice('backend', backend, ['auto', 'wasm', 'webgpu']),
    weights: weights === undefined ? undefined : checkChoice('weights', weights, ['fp32', 'int8', 'int4']),
    threads: threads === undefined ? undefined : checkInteger('threads', threads, 1, MAX_THREADS),
    wasmPaths: checkWasmPaths(options.wasmPaths),
    onProgress,
    signal: checkSignal(options.signal),
  }
}

function checkWasmPaths(paths: WasmPaths | undefined): WasmPaths | undefined {
  if (paths === undefined || typeof paths === 'string') return paths
  if (typeof paths !== 'object' || paths === null)
    throw new InvalidOptionError(
      'wasmPaths',
      'the address of a folder, or an object with wasm and mjs',
      paths,
    )
  checkFields(paths, ['wasm', 'mjs'])
  return paths
}
