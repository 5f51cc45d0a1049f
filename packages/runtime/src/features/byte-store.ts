import { FeatureCacheError } from './error.js'

/** Bytes by position: a file, memory, or whichever of them has room. Grows as it is written. */
export interface ByteStore {
  /**
   * Writes all of `bytes`; what lies between pieces is undefined.
   *
   * @throws {FeatureCacheError} `full`, `unwritable` or `closed`.
   */
  write(bytes: Uint8Array, position: number): Promise<void>
  /**
   * Fills all of `target`.
   *
   * @throws {FeatureCacheError} `unreadable` if it cannot be filled, or `closed`.
   */
  read(target: Uint8Array, position: number): Promise<void>
  /** Waits for calls under way, then lets everything go; safe to call twice. */
  close(): Promise<void>
}

/** Runs work one piece after the other, in the order asked for. */
export type InTurn = <R>(work: () => Promise<R>) => Promise<R>

export function takeTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}

export function closedError(): FeatureCacheError {
  return new FeatureCacheError('closed', 'These features were closed before.')
}

/** Views the memory of floats as bytes, in the byte order of this machine. */
export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
