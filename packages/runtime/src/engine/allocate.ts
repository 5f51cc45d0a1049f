import { EngineError } from '@longtake/core'

/**
 * An array of zeros.
 *
 * @param purpose - What needs it, for the message.
 * @throws {EngineError} `ENGINE_FAILED` when there is not that much memory.
 */
export function allocateFloats(length: number, purpose: string): Float32Array<ArrayBuffer> {
  return orOutOfMemory(() => new Float32Array(length), `${purpose} of ${length * 4} bytes`)
}

/**
 * Makes arrays whose sizes the plan's frames and tokens decide.
 *
 * @param purpose - What is made, for the message.
 * @throws {EngineError} `ENGINE_FAILED` when there is not that much memory.
 */
export function orOutOfMemory<R>(make: () => R, purpose: string): R {
  try {
    return make()
  } catch (error) {
    // What a runtime throws for an array that it cannot make.
    if (!(error instanceof RangeError)) throw error
    throw new EngineError(
      'ENGINE_FAILED',
      `${purpose} need more memory than there is. Ask for fewer frames.`,
      { cause: error },
    )
  }
}
