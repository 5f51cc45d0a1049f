/** Remainder for each value of a byte, of the polynomial that PNG and zip use, lowest bit first. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  return rest
})

/**
 * CRC-32 of bytes, byte by byte: right on every JavaScript runtime, and slow.
 *
 * @param before - Sum of the bytes before them, where it goes on from there.
 * @returns A whole number from 0 to 2³² − 1.
 * @remarks Source: W3C, Portable Network Graphics, third edition, annex D.
 */
export function portableCrc32(bytes: Uint8Array, before = 0): number {
  let rest = ~before
  for (let index = 0; index < bytes.length; index++)
    rest = TABLE[(rest ^ bytes[index]!) & 0xff]! ^ (rest >>> 8)
  return ~rest >>> 0
}
