import type { DecoderSetup } from '../video/packet-track.js'
import type { Picture } from '../video/picture.js'
import { drawn, withoutAlpha } from './drawn.js'
import { type Plane, type YuvPicture, yuvToRgb } from './yuv-to-rgb.js'

/** Chroma's share of luma's samples by format, and the bits of each. */
const PLANAR = /^I(420|422|444)A?(P10|P12)?$/

/**
 * Pixels of a decoded frame: from its planes, by the colours that the file states, BT.601 in limited range where it states
 * none, as everywhere. Where the browser gives no planes, such as for frames that stay on the graphics card, by its own
 * conversion.
 *
 * @param size - In square pixels.
 */
export async function framePicture(
  frame: VideoFrame,
  setup: Pick<DecoderSetup, 'matrix' | 'fullRange'>,
  [width, height]: readonly [number, number],
): Promise<Picture> {
  const { format, visibleRect } = frame
  if (visibleRect === null || (format !== 'NV12' && !PLANAR.test(format ?? '')))
    return drawn(frame, width, height)
  const planes = await readPlanes(frame, format as string, visibleRect)
  const stored = { width: planes.width, height: planes.height, rgb: yuvToRgb(planes, setup) }
  return stored.width === width && stored.height === height ? stored : scaled(stored, width, height)
}

async function readPlanes(frame: VideoFrame, format: string, visible: DOMRectReadOnly): Promise<YuvPicture> {
  const bytes = new Uint8Array(frame.allocationSize())
  const layout = await frame.copyTo(bytes)
  const [, chroma = '420', depth = ''] = PLANAR.exec(format) ?? []
  const bits = depth === '' ? 8 : Number(depth.slice(1))
  const samples = bits === 8 ? bytes : new Uint16Array(bytes.buffer)
  const plane = (index: number, step = 1, first = 0): Plane => {
    const { offset, stride } = layout[index]!
    const { BYTES_PER_ELEMENT } = samples
    return { samples, step, rowStep: stride / BYTES_PER_ELEMENT, start: offset / BYTES_PER_ELEMENT + first }
  }
  const isPaired = format === 'NV12'
  return {
    width: visible.width,
    height: visible.height,
    y: plane(0),
    u: isPaired ? plane(1, 2) : plane(1),
    v: isPaired ? plane(1, 2, 1) : plane(2),
    shiftX: chroma === '444' ? 0 : 1,
    shiftY: chroma === '420' ? 1 : 0,
    bits,
  }
}

/** Another size, by the browser's own interpolation: pixels that are not square are rare. */
function scaled({ width, height, rgb }: Picture, toWidth: number, toHeight: number): Picture {
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) rgba.set(rgb.subarray(from, from + 3), to)
  const source = new OffscreenCanvas(width, height)
  source.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0)
  const target = new OffscreenCanvas(toWidth, toHeight)
  const context = target.getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, 0, 0, toWidth, toHeight)
  return {
    width: toWidth,
    height: toHeight,
    rgb: withoutAlpha(context.getImageData(0, 0, toWidth, toHeight).data),
  }
}
