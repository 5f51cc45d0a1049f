import { EngineError, InvalidOptionError } from '@longtake/core'
import type { Backend, BackendKind } from './types.js'

/**
 * Opens ONNX Runtime.
 *
 * @param kind - `auto` takes the resident back end, and the portable one where koffi or the library cannot be
 *   loaded; `reason` of the result then says why.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if the back end asked for, or with `auto` neither, can be loaded.
 */
export async function openBackend(kind: 'auto' | BackendKind = 'auto'): Promise<Backend> {
  if (kind === 'portable') return openPortable()
  if (kind === 'resident') return openResident()
  if (kind !== 'auto') throw new InvalidOptionError('backend', 'auto, resident or portable', kind)
  try {
    return await openResident()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return openPortable(error.message)
  }
}

async function openResident(): Promise<Backend> {
  return (await import('./resident.js')).openResident()
}

async function openPortable(reason?: string): Promise<Backend> {
  return (await import('./open-portable.js')).openPortable(reason)
}
