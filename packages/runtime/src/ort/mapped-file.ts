import { closeSync, fstatSync, openSync } from 'node:fs'
import { EngineError } from '@longtake/core'
import type { OrtApi, Pointer } from './c-api.js'

/** `PROT_READ` and `MAP_SHARED`, on Linux and macOS alike. */
const PROTECTION_READ = 1
const SHARED = 1
/** `MAP_FAILED`. */
const FAILED = 2n ** 64n - 1n

type Koffi = OrtApi['koffi']

interface MapCalls {
  mmap(...args: unknown[]): Pointer
  munmap(...args: unknown[]): number
}

let calls: MapCalls | undefined

/** A file in the address space: its pages come from the disk when they are touched, and go when memory is short. */
export class MappedFile {
  readonly start: Pointer
  readonly #bytes: number
  readonly #calls: MapCalls

  private constructor(start: Pointer, bytes: number, mapCalls: MapCalls) {
    this.start = start
    this.#bytes = bytes
    this.#calls = mapCalls
  }

  /** Whether files can be mapped here; elsewhere ONNX Runtime maps what it needs itself. */
  static isSupported(): boolean {
    return process.platform === 'linux' || process.platform === 'darwin'
  }

  /**
   * Maps a file for reading.
   *
   * @param bytes - Its length.
   * @throws {EngineError} `ENGINE_FAILED` if it cannot be mapped, or is shorter.
   */
  static open(koffi: Koffi, path: string, bytes: number): MappedFile {
    const mapCalls = bind(koffi)
    const file = openSync(path, 'r')
    try {
      // Pages behind the end of a file cannot be touched without killing the process.
      if (fstatSync(file).size < bytes) throw failure(path, 'it is shorter than it was')
      const start = mapCalls.mmap(0n, bytes, PROTECTION_READ, SHARED, file, 0)
      if (BigInt.asUintN(64, start) === FAILED) throw failure(path, 'the system refuses')
      return new MappedFile(start, bytes, mapCalls)
    } finally {
      closeSync(file)
    }
  }

  /** Nothing may read the memory afterwards. */
  close(): void {
    this.#calls.munmap(this.start, this.#bytes)
  }
}

/** Symbols of the C library, which every process has. */
function bind(koffi: Koffi): MapCalls {
  if (calls === undefined) {
    const library = koffi.load(null)
    calls = {
      mmap: library.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64']),
      munmap: library.func('munmap', 'int', ['void *', 'size_t']),
    } as unknown as MapCalls
  }
  return calls
}

function failure(path: string, why: string): EngineError {
  return new EngineError('ENGINE_FAILED', `${path} cannot be mapped into memory: ${why}.`)
}
