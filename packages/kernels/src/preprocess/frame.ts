import type { ImageProcessing } from './config.js'

/** One RGB picture [height, width, 3] to pixel values [3, S, S], as the checkpoint's processor makes them. */
export function preprocessFrame(
  rgb: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  config: ImageProcessing,
): Float32Array<ArrayBuffer> {
  throw new Error([rgb, width, height, config].join())
}
