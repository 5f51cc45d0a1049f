import { encode } from 'fast-png'
import type { Picture } from '../video/index.js'

/** A picture as a PNG file. */
export function encodePng({ width, height, rgb }: Picture): Uint8Array {
  return encode({ width, height, data: rgb, channels: 3, depth: 8 })
}
