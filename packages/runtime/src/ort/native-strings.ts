import type { Block, OrtCalls } from './calls.js'

/** Zero-terminated strings in native memory, behind an array of pointers to them, as C takes `char **`. */
export function nativeStrings(calls: OrtCalls, strings: readonly string[], wide = false): Block {
  const encoded = strings.map((text) => encode(text, wide))
  const tableBytes = strings.length * BigUint64Array.BYTES_PER_ELEMENT
  const block = calls.allocate(tableBytes + encoded.reduce((sum, bytes) => sum + bytes.length, 0))
  const memory = calls.view(block.start, Math.max(block.bytes, 1))
  const table = new BigUint64Array(memory, 0, strings.length)
  let offset = tableBytes
  encoded.forEach((bytes, index) => {
    table[index] = block.start + BigInt(offset)
    new Uint8Array(memory).set(bytes, offset)
    offset += bytes.length
  })
  return block
}

/** UTF-8, or UTF-16 for paths on Windows (`ORTCHAR_T`), with its terminator. */
function encode(text: string, wide: boolean): Uint8Array {
  if (!wide) return new TextEncoder().encode(`${text}\0`)
  return new Uint8Array(Uint16Array.from(`${text}\0`, (unit) => unit.charCodeAt(0)).buffer)
}
