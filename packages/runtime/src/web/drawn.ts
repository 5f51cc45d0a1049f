import type { Picture } from '../video/picture.js'

/** Pixels of something that can be drawn, over white, as the browser makes them. */
export function drawn(image: CanvasImageSource, width: number, height: number): Picture {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false })
  if (context === null) throw new Error('The browser has no canvas to draw on.')
  context.fillStyle = 'white'
  context.fillRect(0, 0, width, height)
  context.drawImage(image, 0, 0, width, height)
  return { width, height, rgb: withoutAlpha(context.getImageData(0, 0, width, height).data) }
}

/** Every fourth byte left out. */
export function withoutAlpha(rgba: ArrayLike<number>): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!
    rgb[to + 1] = rgba[from + 1]!
    rgb[to + 2] = rgba[from + 2]!
  }
  return rgb
}
