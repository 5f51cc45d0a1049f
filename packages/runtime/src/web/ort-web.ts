import { EngineError } from '@longtake/core'
import type { InferenceSession } from 'onnxruntime-web/wasm'
import { indexOfName } from '../bytes.js'
import { type OrtModule, PortableBackend } from '../ort/portable.js'
import type { Backend, WebBackendKind } from '../ort/types.js'
import type { WasmPaths } from './load-options.js'

type OrtWeb = typeof import('onnxruntime-web/wasm')

/** More threads gain little in one operator, and leave the page's own work without a core. */
const MAX_DEFAULT_THREADS = 4

export interface WebBackendOptions {
  readonly threads: number | undefined
  readonly wasmPaths: WasmPaths | undefined
}

/**
 * Opens onnxruntime-web. Its runs hold the event loop of the page or worker that they are started in.
 *
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if the package cannot be loaded, or there is no graphics card to compute on.
 */
export async function openWebBackend(
  wanted: 'auto' | WebBackendKind,
  options: WebBackendOptions,
): Promise<Backend> {
  const name = wanted === 'auto' ? 'wasm' : wanted
  if (name === 'webgpu') await requireWebGpu()
  const ort = await importOrt(name)
  const { wasm } = ort.env
  const { wasmPaths, threads = defaultThreads() } = options
  if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths as NonNullable<typeof wasm.wasmPaths>
  wasm.numThreads = globalThis.crossOriginIsolated ? threads : 1
  ort.env.logLevel = 'error'
  return new PortableBackend({
    name,
    ort: inTurn(ort),
    sessionOptions: ({ graph }) => ({
      executionProviders: [isDecoder(graph) ? 'wasm' : name],
    }),
    writesInPlace: false,
    breathe,
  })
}

/**
 * Whether a graph has the decoder's attention. On the graphics card that gives no probabilities, which are the evidence of
 * every answer, and takes no quantised cache, so decoders compute in WebAssembly; what comes before them is most of the work.
 */
function isDecoder(graph: Uint8Array): boolean {
  return indexOfName(graph, 'GroupQueryAttention') >= 0
}

function defaultThreads(): number {
  return Math.min(MAX_DEFAULT_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1)
}

async function importOrt(name: WebBackendKind): Promise<OrtWeb> {
  try {
    // Two builds: the one for the graphics card is twice as large.
    return await (name === 'wasm' ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu'))
  } catch (cause) {
    const advice = 'It comes with: npm install onnxruntime-web'
    throw new EngineError('ENGINE_UNAVAILABLE', `onnxruntime-web cannot be loaded. ${advice}`, { cause })
  }
}

async function requireWebGpu(): Promise<void> {
  const gpu: unknown = Reflect.get(globalThis.navigator ?? {}, 'gpu')
  const adapter =
    typeof gpu === 'object' && gpu !== null
      ? await (gpu as { requestAdapter(): Promise<unknown> }).requestAdapter()
      : null
  if (adapter !== null) return
  throw new EngineError(
    'ENGINE_UNAVAILABLE',
    "This browser has no graphics card for WebGPU; load with backend 'wasm', or none.",
  )
}

/** One call at a time: the package keeps one state for all sessions of a page, which overlapping calls would mix up. */
function inTurn(ort: OrtWeb): OrtModule {
  let last: Promise<unknown> = Promise.resolve()
  const take = <R>(work: () => Promise<R>): Promise<R> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
  const create: OrtModule['InferenceSession']['create'] = async (graph, options) => {
    const session = await take(() => ort.InferenceSession.create(graph, options)).catch(asUnavailable)
    const { inputNames, outputNames, inputMetadata, outputMetadata } = session
    const run = (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) =>
      take(() => session.run(feeds, fetches))
    const release = () => take(() => session.release())
    return { inputNames, outputNames, inputMetadata, outputMetadata, run, release } as InferenceSession
  }
  return { InferenceSession: { create }, Tensor: ort.Tensor as unknown as OrtModule['Tensor'] }
}

/** Without its WebAssembly file the package cannot even begin, for this page for good. */
function asUnavailable(cause: unknown): never {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (!message.startsWith('no available backend')) throw cause
  throw new EngineError(
    'ENGINE_UNAVAILABLE',
    `ONNX Runtime could not start in WebAssembly (${message}). Serve its .wasm file beside the bundle, or say with wasmPaths where it is, and load the page again.`,
    { cause },
  )
}

/** A turn of the event loop, without the 4 ms that timers take when they are nested. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
