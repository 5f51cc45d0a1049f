/** Remainder for each value of a byte, of the polynomial that PNG and zip use, lowest bit first. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  return rest
})

/**
 * CRC-32 of bytes. The one in `node:zlib` is missing or wrong in several releases of Deno.
 *
 * @returns A whole number from 0 to 2³² − 1.
 * @remarks Source: W3C, Portable Network Graphics, third edition, annex D.
 */
export function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff
  for (let index = 0; index < bytes.length; index++)
    rest = TABLE[(rest ^ bytes[index]!) & 0xff]! ^ (rest >>> 8)
  return (rest ^ 0xffffffff) >>> 0
}
