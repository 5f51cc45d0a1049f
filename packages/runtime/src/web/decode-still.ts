import type { Picture } from '../video/picture.js'
import { damagedStill, type StillScan } from '../video/still-scan.js'
import { shownStill } from '../video/still-shape.js'
import { drawn } from './drawn.js'

/**
 * Decodes a still picture with the browser's own decoders: upright, over white where it is transparent. Colour profiles were
 * cut out when the file was scanned, so none is applied.
 *
 * @throws {VideoError} `VIDEO_UNREADABLE` if it is damaged.
 */
export async function decodeStill(scan: StillScan, name: string): Promise<Picture> {
  const { width, height } = scan.place ?? scan
  const bitmap = await open(scan, name)
  try {
    if (bitmap.width !== width || bitmap.height !== height) {
      throw damagedStill(
        name,
        `it is ${bitmap.width}×${bitmap.height}, and not ${width}×${height} as it says`,
      )
    }
    return shownStill(drawn(bitmap, width, height), scan)
  } finally {
    bitmap.close()
  }
}

async function open({ codec, data }: StillScan, name: string): Promise<ImageBitmap> {
  const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: `image/${codec}` })
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'default' })
  } catch (cause) {
    throw damagedStill(name, 'its pixels cannot be decoded', { cause })
  }
}
