import type { PictureRegion } from '@longtake/runtime'
import { heatShares } from '@longtake/runtime/video'
import { frameName, isGuided, isStills } from './frame-facts.js'
import { type HeatSprite, spritePosition } from './heat-sprite.js'
import { html, type Markup } from './html.js'
import type { PagePicture, Pictures, ShownFrames } from './pictures.js'
import { counted, grouped, level, percent, type TraceData } from './trace-data.js'

/** The sampled frames: those that matter large, the others as a strip, with the heat of each patch on them. */
export async function framesSection(
  data: TraceData,
  shown: ShownFrames,
  pictures: Pictures,
  sprite: HeatSprite | undefined,
): Promise<Markup> {
  const large: Markup[] = []
  for (const index of shown.large) large.push(largeFrame(data, index, await pictures.large(index), sprite))
  return html`<section aria-labelledby="frames">
<h2 id="frames">${sprite === undefined ? 'What was looked at' : 'Where in the picture'}</h2>
<p>${explain(data, sprite)}</p>
${sprite !== undefined && html`<p class="controls"><label><input type="checkbox" id="heat" checked> show the heat on the pictures</label> ${scale()}</p>`}
<div class="frames">${large}</div>
${shown.small.length > 0 && (await strip(data, shown, pictures, sprite))}
</section>`
}

/** The colours of heat on pictures. */
function scale(): Markup {
  return html`<span class="scale"><span>little</span><i class="ramp"></i><span>much</span></span>`
}

function explain(data: TraceData, sprite: HeatSprite | undefined): string {
  const [, rows, columns] = data.trace?.grid ?? [0, 0, 0]
  if (sprite === undefined) {
    const why = data.plan.pooling === null ? 'tokens were not pooled' : 'pooling did not look at the question'
    return `The frames that the answer read most, in the order of time. There is no map of relevance on them, because ${why}.`
  }
  return `Each picture is cut into ${rows} × ${columns} patches, and every patch of ${isStills(data) ? 'all of them' : 'the whole video'} is compared with the question. The brighter a patch, the better it fits. All pictures share one scale, so a dark picture says little about the question. Below each: its share of the question’s relevance, and of the answer’s attention; a bar is full for the frame with the largest share.`
}

function largeFrame(
  data: TraceData,
  index: number,
  picture: PagePicture,
  sprite: HeatSprite | undefined,
): Markup {
  const { weight = 0, relevance } = data.frames[index] ?? {}
  const name = frameName(data, index)
  return html`<figure class="frame" id="f${index}">
<div class="picture" style="aspect-ratio:${picture.width}/${picture.height}"><img src="${picture.uri}" alt="Frame at ${name}">${heat(data, index, sprite)}</div>
<figcaption><b>${name}</b>
${relevance !== undefined && meter('relevance', 'question', relevance, most(data, 'relevance'))}
${meter('attention', 'answer', weight, most(data, 'weight'))}</figcaption>
</figure>`
}

/** The largest share of any frame. */
export function most({ frames }: TraceData, of: 'relevance' | 'weight'): number {
  return frames.reduce((largest, frame) => Math.max(largest, frame[of] ?? 0), Number.MIN_VALUE)
}

/** A number with a bar that is full at the largest. */
export function meter(kind: 'relevance' | 'attention', name: string, share: number, largest: number): Markup {
  return html`<span class="meter"><span>${name}</span><i class="track"><i class="${kind}" style="width:${((share / largest) * 100).toFixed(1)}%"></i></i><span>${percent(share)}</span></span>`
}

function heat(data: TraceData, index: number, sprite: HeatSprite | undefined): Markup | undefined {
  if (sprite === undefined) return undefined
  return html`<span class="heat" style="${regionStyle(data.seen(index))};${spritePosition(sprite, index)}"></span>`
}

/** Declarations that put a box over a part of a picture. */
export function regionStyle({ left, top, width, height }: PictureRegion): string {
  const percentage = (value: number): string => `${(value * 100).toFixed(2)}%`
  return `left:${percentage(left)};top:${percentage(top)};width:${percentage(width)};height:${percentage(height)}`
}

async function strip(
  data: TraceData,
  { small, left }: ShownFrames,
  pictures: Pictures,
  sprite: HeatSprite | undefined,
): Promise<Markup> {
  const attention = heatShares(data.frames.map(({ weight }) => weight))
  const relevance = heatShares(data.frames.map((frame) => frame.relevance ?? 0))
  const items: Markup[] = []
  for (const index of small) {
    const name = frameName(data, index)
    const picture = await pictures.small(index)
    const { weight = 0 } = data.frames[index] ?? {}
    items.push(html`<li id="f${index}" title="${name}: answer ${percent(weight)}"><span class="picture" style="aspect-ratio:${picture.width}/${picture.height}"><img src="${picture.uri}" alt="" loading="lazy">${heat(data, index, sprite)}</span><i class="${isGuided(data) ? 'r' : 'a'}${level(isGuided(data) ? (relevance[index] ?? 0) : (attention[index] ?? 0))}"></i><span class="name">${name}</span></li>
`)
  }
  const more = left > 0 ? ` ${grouped(left)} more are in the chart only.` : ''
  return html`<h3 id="strip">The other ${counted(small.length, isStills(data) ? 'picture' : 'frame')}, in ${isStills(data) ? 'their order' : 'the order of time'}</h3>
<p class="small">The line below each grows with ${isGuided(data) ? 'the question’s relevance' : 'the answer’s attention'}.${more}</p>
<ol class="strip${small.length > 200 ? ' many' : ''}" tabindex="0" aria-labelledby="strip">${items}</ol>`
}
