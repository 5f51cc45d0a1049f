/**
 * Converts red, green, blue to planar YUV 4:2:0 in BT.709, limited range: 16 to 235 for luma, 16 to 240 for chroma.
 *
 * @param rgb - `[size, size, 3]`.
 * @param size - Side, pixels, even.
 * @param into - `size² · 3/2` bytes: luma, then blue and red differences, each the mean of 2 × 2 pixels.
 * @remarks Source: ITU-R BT.709-6, section 3, items 3.2 to 3.5.
 */
export function toYuv420(rgb: Uint8Array, size: number, into: Uint8Array): void {
  const half = size / 2
  const blue = size * size
  const red = blue + half * half
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = (row * size + column) * 3
      into[row * size + column] = 16.5 + (luma(rgb, at) * 219) / 255
    }
  }
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < half; column++) {
      const corner = (2 * row * size + 2 * column) * 3
      let [y, r, b] = [0, 0, 0]
      for (const at of [corner, corner + 3, corner + 3 * size, corner + 3 * size + 3]) {
        y += luma(rgb, at)
        r += rgb[at] ?? 0
        b += rgb[at + 2] ?? 0
      }
      into[blue + row * half + column] = 128.5 + ((b - y) / 4 / 1.8556) * (224 / 255)
      into[red + row * half + column] = 128.5 + ((r - y) / 4 / 1.5748) * (224 / 255)
    }
  }
}

/** 0 to 255. */
function luma(rgb: Uint8Array, at: number): number {
  return 0.2126 * (rgb[at] ?? 0) + 0.7152 * (rgb[at + 1] ?? 0) + 0.0722 * (rgb[at + 2] ?? 0)
}
