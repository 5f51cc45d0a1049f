import { EngineError } from '@longtake/core'
import { missingBinary } from '../missing-binary.js'
import { Gate, nativeCallLimit } from './gate.js'
import { findLibrary } from './library.js'
import { refuseTelemetry } from './telemetry.js'

/** Address of something native; 0n is NULL. */
export type Pointer = bigint

type Koffi = typeof import('koffi').default

/** A native function; with `.async` it runs on a worker thread and the callback gets `(error, result)`. */
interface NativeFunction {
  (...args: unknown[]): unknown
  async(...args: unknown[]): void
}

/**
 * Version of the function table that is asked for: the first that has every function below. Tables only grow at
 * their end, so positions hold for this and every later version.
 */
const API_VERSION = 22

/** Positions in `OrtApiBase`, in pointers. */
const BASE = { getApi: 0, getVersionString: 1 } as const

const P = 'void *'
const STATUS = P

/**
 * Functions in use: position in `OrtApi`, result, arguments. Counted in `struct OrtApi` of ONNX Runtime's
 * include/onnxruntime/core/session/onnxruntime_c_api.h (API version 29; 1.30 appends), and checked against the
 * fixed points that onnxruntime_c_api.cc asserts: 101 ReleaseCustomOpDomain, 126 ReleaseAvailableProviders,
 * 149 SetGlobalSpinControl, 157 ReleaseArenaCfg, 169 CreateSessionFromArrayWithPrepackedWeightsContainer.
 */
const FUNCTIONS = {
  getErrorCode: [1, 'int', [P]],
  getErrorMessage: [2, 'str', [P]],
  createEnv: [3, STATUS, ['int', 'str', P]],
  createSessionFromArray: [8, STATUS, [P, P, 'size_t', P, P]],
  run: [9, STATUS, [P, P, P, P, 'size_t', P, 'size_t', P]],
  createSessionOptions: [10, STATUS, [P]],
  disableMemPattern: [17, STATUS, [P]],
  disableCpuMemArena: [19, STATUS, [P]],
  setSessionLogSeverityLevel: [22, STATUS, [P, 'int']],
  setSessionGraphOptimizationLevel: [23, STATUS, [P, 'int']],
  setIntraOpNumThreads: [24, STATUS, [P, 'int']],
  setInterOpNumThreads: [25, STATUS, [P, 'int']],
  sessionGetInputCount: [30, STATUS, [P, P]],
  sessionGetOutputCount: [31, STATUS, [P, P]],
  sessionGetInputTypeInfo: [33, STATUS, [P, 'size_t', P]],
  sessionGetOutputTypeInfo: [34, STATUS, [P, 'size_t', P]],
  sessionGetInputName: [36, STATUS, [P, 'size_t', P, P]],
  sessionGetOutputName: [37, STATUS, [P, 'size_t', P, P]],
  createRunOptions: [39, STATUS, [P]],
  runOptionsSetRunLogSeverityLevel: [41, STATUS, [P, 'int']],
  runOptionsSetTerminate: [46, STATUS, [P]],
  runOptionsUnsetTerminate: [47, STATUS, [P]],
  createTensorWithDataAsOrtValue: [49, STATUS, [P, P, 'size_t', P, 'size_t', 'int', P]],
  getTensorMutableData: [51, STATUS, [P, P]],
  castTypeInfoToTensorInfo: [55, STATUS, [P, P]],
  getTensorElementType: [60, STATUS, [P, P]],
  getDimensionsCount: [61, STATUS, [P, P]],
  getDimensions: [62, STATUS, [P, P, 'size_t']],
  getTensorTypeAndShape: [65, STATUS, [P, P]],
  createCpuMemoryInfo: [69, STATUS, ['int', 'int', P]],
  allocatorFree: [76, STATUS, [P, P]],
  getAllocatorWithDefaultOptions: [78, STATUS, [P]],
  releaseEnv: [92, 'void', [P]],
  releaseStatus: [93, 'void', [P]],
  releaseMemoryInfo: [94, 'void', [P]],
  releaseSession: [95, 'void', [P]],
  releaseValue: [96, 'void', [P]],
  releaseRunOptions: [97, 'void', [P]],
  releaseTypeInfo: [98, 'void', [P]],
  releaseTensorTypeAndShapeInfo: [99, 'void', [P]],
  releaseSessionOptions: [100, 'void', [P]],
  addSessionConfigEntry: [130, STATUS, [P, 'str', 'str']],
  addInitializer: [150, STATUS, [P, 'str', P]],
  createPrepackedWeightsContainer: [166, STATUS, [P]],
  releasePrepackedWeightsContainer: [167, 'void', [P]],
  createSessionFromArrayWithPrepackedWeightsContainer: [169, STATUS, [P, P, 'size_t', P, P, P]],
  addExternalInitializersFromFilesInMemory: [279, STATUS, [P, P, P, P, 'size_t']],
  sessionOptionsSetLoadCancellationFlag: [293, STATUS, [P, 'bool']],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>

export type OrtFunctions = Readonly<Record<keyof typeof FUNCTIONS, NativeFunction>>

/** ONNX Runtime's C API, and the few things of koffi that its users need. */
export interface OrtApi {
  readonly koffi: Koffi
  readonly functions: OrtFunctions
  /** Held because koffi unloads a library that nobody holds, and functions taken from a table do not hold it. */
  readonly library: unknown
  /** Calls on worker threads pass here; there is one pool of them in a process. */
  readonly gate: Gate
  /** Version of the library, such as `1.30.0`. */
  readonly version: string
}

/**
 * Stack of a worker's call, bytes. koffi runs native code on a stack of its own, 128 KiB unless told otherwise;
 * optimising a graph or packing a matrix overruns that. As large as a Linux thread's.
 */
const STACK_BYTES = 8 * 2 ** 20

let loaded: Promise<OrtApi> | undefined

/**
 * Loads the library once per process; it stays loaded, as native code cannot be unloaded safely.
 *
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if koffi, the library or its API version cannot be had.
 */
export function loadApi(): Promise<OrtApi> {
  loaded ??= bindApi()
  return loaded
}

async function bindApi(): Promise<OrtApi> {
  const path = findLibrary()
  try {
    const koffi = await importKoffi()
    growStack(koffi)
    tryView(koffi)
    refuseTelemetry(koffi)
    const library = koffi.load(path)
    const base = library.func('OrtGetApiBase', P, [])() as Pointer
    const entry = (table: Pointer, index: number): Pointer => koffi.decode(table, index * koffi.sizeof(P), P)
    const getVersion = koffi.decode(entry(base, BASE.getVersionString), koffi.proto('str', []))
    const version = String(getVersion())
    const table = koffi.decode(entry(base, BASE.getApi), koffi.proto(P, ['uint32_t']))(API_VERSION)
    if (!table) throw new Error(`version ${version} does not offer API version ${API_VERSION}`)
    const bind = ([index, result, args]: (typeof FUNCTIONS)[keyof typeof FUNCTIONS]): NativeFunction =>
      koffi.decode(entry(table, index), koffi.proto(result, [...args]))
    const entries = Object.entries(FUNCTIONS).map(([name, spec]) => [name, bind(spec)])
    const functions = Object.fromEntries(entries) as OrtFunctions
    return { koffi, library, gate: new Gate(nativeCallLimit()), version, functions }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('ENGINE_UNAVAILABLE', `ONNX Runtime cannot be loaded from ${path}: ${why}`, {
      cause,
    })
  }
}

/** Says what to do where koffi's binary is missing, which is the one thing that goes wrong here. */
async function importKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default
  } catch (cause) {
    const binary = `@koromix/koffi-${process.platform}-${process.arch}`
    throw new Error(missingBinary('koffi', binary), { cause })
  }
}

/** koffi takes settings only before its first library, so another user of koffi may have been quicker. */
function growStack(koffi: Koffi): void {
  const stackBytes = () => koffi.config().async_stack_size ?? 0
  if (stackBytes() >= STACK_BYTES) return
  try {
    koffi.config({ async_stack_size: STACK_BYTES })
  } catch (cause) {
    throw new Error(
      `koffi is in use with async_stack_size ${stackBytes()}; set it to ${STACK_BYTES} before the first library`,
      { cause },
    )
  }
}

/** Some runtimes forbid arrays over foreign memory; then tensors cannot lie there. */
function tryView(koffi: Koffi): void {
  const memory = koffi.alloc('uint8', 1)
  try {
    koffi.view(memory, 1)
  } finally {
    koffi.free(memory)
  }
}
