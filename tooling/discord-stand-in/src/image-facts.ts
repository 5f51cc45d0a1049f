/** Size of a picture, as an attachment tells it; empty for other files. */
export interface ImageFacts {
  readonly width?: number
  readonly height?: number
}

const PNG = [0x89, 0x50, 0x4e, 0x47]

/** Reads the size out of a PNG's header chunk; other formats go without. */
export function imageFacts(bytes: Uint8Array): ImageFacts {
  if (bytes.length < 24 || !PNG.every((byte, index) => bytes[index] === byte)) return {}
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}
