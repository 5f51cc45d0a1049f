import { dirname } from 'node:path'
import { throwIfAborted } from './abort.js'
import type { Pointer } from './c-api.js'
import type { Block, OrtCalls } from './calls.js'
import { LOG_ERROR } from './log-level.js'
import { nativeStrings } from './native-strings.js'
import type { SharedWeights } from './shared-weights.js'
import { threadCount } from './threads.js'
import type { SessionModel, SessionOptions } from './types.js'

const WITH_CONTAINER = 'createSessionFromArrayWithPrepackedWeightsContainer'

/** `ORT_ENABLE_ALL`. */
const OPTIMISE_ALL = 99

/**
 * Session settings. Threads without work sleep: spinning took half as much CPU time again, which on small machines
 * is missing to the event loop and to decoding video, and made steps slower as soon as anything else ran.
 */
export const CONFIG_ENTRIES: readonly (readonly [string, string])[] = [
  ['session.intra_op.allow_spinning', '0'],
]

/** Folder in which a session looks for the files that its graph names. */
export const WEIGHTS_FOLDER = 'session.model_external_initializers_file_folder_path'

/**
 * Opens a session on a worker thread. The caller holds the model's arrays until the promise settles.
 *
 * @param shared - Weights of the model's file, if they are mapped for several sessions.
 */
export async function loadSession(
  calls: OrtCalls,
  env: Pointer,
  model: SessionModel,
  shared: SharedWeights | undefined,
  options: SessionOptions,
): Promise<Pointer> {
  throwIfAborted(options.signal)
  const threads = threadCount(options.threads)
  const native = calls.create('sessionOptions', 'createSessionOptions')
  const blocks: Block[] = []
  try {
    configure(calls, native, threads)
    if (model.weights.length > 0) blocks.push(addWeights(calls, native, model.weights))
    if (model.file !== undefined) {
      calls.check(calls.f.addSessionConfigEntry(native, WEIGHTS_FOLDER, dirname(model.file.path)))
      shared?.add(native, model.file)
    }
    return await createSession(calls, env, native, model, shared, options.signal)
  } finally {
    calls.release('sessionOptions', 'releaseSessionOptions', native)
    for (const block of blocks) calls.free(block)
  }
}

function configure(calls: OrtCalls, options: Pointer, threads: number): void {
  const { f } = calls
  calls.check(f.setSessionLogSeverityLevel(options, LOG_ERROR))
  calls.check(f.setSessionGraphOptimizationLevel(options, OPTIMISE_ALL))
  calls.check(f.setIntraOpNumThreads(options, threads))
  calls.check(f.setInterOpNumThreads(options, 1))
  // Without arena and plan, memory of a run returns to the system when the run ends, and peaks are lower.
  calls.check(f.disableCpuMemArena(options))
  calls.check(f.disableMemPattern(options))
  for (const [key, value] of CONFIG_ENTRIES) calls.check(f.addSessionConfigEntry(options, key, value))
}

/** Tells the session where external data lies; returns the file names' memory, which it does not need afterwards. */
function addWeights(calls: OrtCalls, options: Pointer, weights: SessionModel['weights']): Block {
  const names = nativeStrings(
    calls,
    weights.map(({ location }) => location),
    process.platform === 'win32',
  )
  const starts = BigUint64Array.from(weights, ({ data }) => addressOf(calls, data))
  const lengths = BigUint64Array.from(weights, ({ data }) => BigInt(data.byteLength))
  try {
    calls.check(
      calls.f.addExternalInitializersFromFilesInMemory(options, names.start, starts, lengths, weights.length),
    )
    return names
  } catch (error) {
    calls.free(names)
    throw error
  }
}

/** Address of an array's elements: outside of the garbage collector's heap once it has a buffer, and never moved. */
function addressOf(calls: OrtCalls, data: Uint8Array): Pointer {
  return data.buffer.byteLength === 0 ? 0n : calls.api.koffi.address(data)
}

async function createSession(
  calls: OrtCalls,
  env: Pointer,
  options: Pointer,
  { graph }: SessionModel,
  shared: SharedWeights | undefined,
  signal: AbortSignal | undefined,
): Promise<Pointer> {
  const cell = calls.allocate(BigUint64Array.BYTES_PER_ELEMENT)
  const stop = () => calls.check(calls.f.sessionOptionsSetLoadCancellationFlag(options, true))
  try {
    const args = [env, addressOf(calls, graph), graph.length, options]
    await calls.turn(signal, () =>
      shared === undefined
        ? calls.async('createSessionFromArray', [...args, cell.start], signal, stop)
        : calls.async(WITH_CONTAINER, [...args, shared.container, cell.start], signal, stop),
    )
    calls.count('session', 1)
    return new BigUint64Array(calls.view(cell.start, cell.bytes))[0]!
  } finally {
    calls.free(cell)
  }
}
