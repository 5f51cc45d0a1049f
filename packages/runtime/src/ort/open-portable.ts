import { dirname } from 'node:path'
import { EngineError } from '@longtake/core'
import type { InferenceSession } from 'onnxruntime-node'
import { CONFIG_ENTRIES, WEIGHTS_FOLDER } from './load-session.js'
import { type OrtModule, PortableBackend } from './portable.js'
import { refuseTelemetry } from './telemetry.js'
import { threadCount } from './threads.js'
import type { Backend, SessionModel, SessionOptions } from './types.js'

/**
 * Opens the back end on onnxruntime-node's own API: every output is copied, and the event loop waits for each run.
 *
 * @param reason - Why the resident back end was not taken.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if onnxruntime-node cannot be loaded.
 */
export async function openPortable(reason?: string): Promise<Backend> {
  try {
    refuseTelemetry()
    const ort = (await import('onnxruntime-node')) as unknown as OrtModule
    const breathe = () => new Promise<void>((resolve) => setImmediate(resolve))
    return new PortableBackend({
      name: 'portable',
      reason,
      ort,
      sessionOptions,
      writesInPlace: true,
      breathe,
    })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('ENGINE_UNAVAILABLE', `onnxruntime-node cannot be loaded: ${why}`, { cause })
  }
}

function sessionOptions(model: SessionModel, { threads }: SessionOptions): InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: threadCount(threads),
    interOpNumThreads: 1,
    enableCpuMemArena: false,
    enableMemPattern: false,
    extra: nested([...CONFIG_ENTRIES, ...folderEntry(model)]),
  }
}

interface Settings {
  [name: string]: string | Settings
}

/** Settings `a.b.c` as nested objects, which is how onnxruntime-node takes them. */
function nested(entries: readonly (readonly [string, string])[]): Record<string, unknown> {
  const root: Settings = {}
  for (const [key, value] of entries) {
    const path = key.split('.')
    const last = path.pop()!
    let section = root
    for (const name of path) {
      section[name] ??= {}
      section = section[name] as Settings
    }
    section[last] = value
  }
  return root
}

/** Where the file of a model's weights is. */
function folderEntry({ file }: SessionModel): [string, string][] {
  return file === undefined ? [] : [[WEIGHTS_FOLDER, dirname(file.path)]]
}
