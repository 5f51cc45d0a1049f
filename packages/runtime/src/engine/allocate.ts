import { EngineError } from '@longtake/core'

/**
 * An array of zeros.
 *
 * @param purpose - What needs it, for the message.
 * @throws {EngineError} `ENGINE_FAILED` when there is not that much memory.
 */
export function allocateFloats(length: number, purpose: string): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(length)
  } catch (error) {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT
    throw new EngineError(
      'ENGINE_FAILED',
      `${purpose} need ${bytes} bytes, more than there are. Ask for fewer frames.`,
      {
        cause: error,
      },
    )
  }
}
