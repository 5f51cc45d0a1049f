import { KV_CACHE_TYPES, kvCacheBytes } from '@longtake/core'
import { place, type Scale } from './chart.js'
import { COLOURS, INK, note, picture, tag, text } from './svg.js'

/** The decoder of Video-LLaVA-7B. */
const DECODER = { layers: 32, kvHeads: 32, headDim: 128 }
const TOKENS_PER_FRAME = 257
const FRAMES = [8, 32, 64] as const
const GIB = 2 ** 30

/** What keys and values of a 7B decoder take by number of frames and storage. */
export function drawKvCache(): string {
  const x: Scale = { values: [0, 17], pixels: [150, 780] }
  const groups = FRAMES.flatMap((frames, group) => {
    const tokens = frames * TOKENS_PER_FRAME
    const top = 56 + group * 104
    return [
      text(24, top + 34, `${frames} frames`, { 'font-weight': 600 }),
      note(24, top + 52, `${tokens.toLocaleString('en')} tokens`),
      ...KV_CACHE_TYPES.flatMap((type, index) =>
        bar(x, top + index * 28, type, tokens, COLOURS[index] ?? INK),
      ),
    ]
  })
  return picture(880, 372, 'Size of the KV cache of a 7B decoder by frames and storage', [
    note(24, 30, 'keys and values of Video-LLaVA-7B (32 layers, 32 heads of 128), every visual token kept'),
    ...groups,
  ])
}

function bar(
  x: Scale,
  y: number,
  type: (typeof KV_CACHE_TYPES)[number],
  tokens: number,
  fill: string,
): string[] {
  const gibibytes = kvCacheBytes(DECODER, tokens, type) / GIB
  const left = place(x, 0)
  const width = place(x, gibibytes) - left
  return [
    tag('rect', { x: left, y, width, height: 22, rx: 3, fill }),
    text(left + width + 8, y + 16, `${type}  ${gibibytes.toFixed(2)} GiB`, { 'font-size': 15 }),
  ]
}
