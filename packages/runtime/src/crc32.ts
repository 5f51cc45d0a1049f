import { portableCrc32 } from '@longtake/kernels'

/** Takes bytes, and the sum of those before them where it goes on from there. */
export type Checksum = (bytes: Uint8Array, before?: number) => number

/** The check value that is published with the polynomial. */
const CHECK = { bytes: Uint8Array.from('123456789', (digit) => digit.charCodeAt(0)), sum: 0xcbf43926 }

let chosen: Checksum | undefined

/**
 * CRC-32 of bytes: by `node:zlib`, many times as fast, where that is there and right. Browsers lack it, and in
 * several releases of Deno it is missing or wrong.
 *
 * @returns A whole number from 0 to 2³² − 1.
 * @remarks Source: W3C, Portable Network Graphics, third edition, annex D.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  chosen ??= nativeChecksum() ?? portableCrc32
  return chosen(bytes, before)
}

/** Node, Bun and Deno give their modules by name, so that nothing is imported that browsers lack. */
interface Server {
  readonly process?: { getBuiltinModule?(name: string): { readonly crc32?: Checksum } | undefined }
}

function nativeChecksum(): Checksum | undefined {
  const native = (globalThis as Server).process?.getBuiltinModule?.('node:zlib')?.crc32
  return isRight(native) ? native : undefined
}

/** Whether a checksum gives the check value, in one piece and in two. */
export function isRight(checksum: Checksum | undefined): checksum is Checksum {
  const { bytes, sum } = CHECK
  try {
    return checksum?.(bytes) === sum && checksum(bytes.subarray(4), checksum(bytes.subarray(0, 4))) === sum
  } catch {
    return false
  }
}
