import type { InputFrame } from '@longtake/runtime'
import { Random } from './world/random.js'

/** Noise, the same at every call: what pictures show does not change what they cost. */
export function noisePictures(frames: number, side: number): readonly InputFrame[] {
  return Array.from({ length: frames }, (_, index) => {
    const random = new Random(`picture ${index}`)
    const rgb = Uint8Array.from({ length: side * side * 3 }, () => random.next() * 256)
    return { rgb, width: side, height: side }
  })
}
