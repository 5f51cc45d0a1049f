import { heatShares } from '@longtake/runtime/video'
import { frameName, isGuided, isStills } from './frame-facts.js'
import { regionStyle } from './frames-section.js'
import { html, type Markup } from './html.js'
import type { PagePicture, Pictures } from './pictures.js'
import { windowSize } from './plan-words.js'
import { counted, grouped, level, percent, type TraceData } from './trace-data.js'

type Trace = NonNullable<TraceData['trace']>
type Window = Trace['windows'][number]

/** Windows that are shown one by one, and frames of each. */
const MOST_WINDOWS = 6
const MOST_FRAMES = 3

/** How patches became tokens: the windows that were read most, with what each took from its frames. */
export async function windowsSection(data: TraceData, pictures: Pictures): Promise<Markup> {
  const { trace } = data
  if (trace === undefined) return html``
  const { pooling } = trace
  const cards: Markup[] = []
  for (const window of mostRead(trace)) cards.push(await card(data, trace, window, pictures))
  const size = pooling.kernel[0] * pooling.kernel[1] * pooling.kernel[2]
  return html`<section aria-labelledby="windows">
<h2 id="windows">How patches became tokens</h2>
<p>A window of ${windowSize(pooling)} lies over neighbouring patches; its ${grouped(size)} patches become one token for the language model. ${weighing(data)}</p>
${drawing(trace)}
<h3>The windows that the answer read most</h3>
<p class="small">The box in each picture is the window, its squares are the patches; the brighter, the more of it is in the token.</p>
<div class="windows">${cards}</div>
</section>`
}

function weighing(data: TraceData): string {
  const { pooling } = data.plan
  if (isGuided(data))
    return 'What fits the question counts most, so that little of what nobody asked about gets in.'
  return pooling?.method === 'max'
    ? 'Of each number in them the largest is kept, whatever the question is; the weights below are therefore only rough.'
    : 'All of them count alike, whatever the question is.'
}

/** The volume of patches, and what is left of it. */
function drawing({ pooling: { grid, shape, tokens } }: Trace): Markup {
  const side = (name: string, [frames, rows, columns]: readonly number[], note: string): Markup =>
    html`<li><b>${grouped(frames ?? 0)} × ${rows} × ${columns}</b><span>${name}</span><span>${note}</span></li>`
  const patches = grid[0] * grid[1] * grid[2]
  return html`<ul class="flow">${side('frames × rows × columns', grid, `${grouped(patches)} patches`)}<li class="arrow" aria-hidden="true">→</li>${side('windows, in the same order', shape, `${grouped(tokens)} tokens`)}</ul>`
}

function mostRead({ windows }: Trace): readonly Window[] {
  return [...windows].sort((a, b) => b.attention - a.attention).slice(0, MOST_WINDOWS)
}

/** What a window took from one of its frames, or from all those that show one picture. */
interface Taken {
  /** Index in time. */
  readonly frame: number
  readonly share: number
  /** Weights of the frame's patches in the window, `[rows · columns]`. */
  readonly weights: readonly number[]
}

async function card(data: TraceData, trace: Trace, window: Window, pictures: Pictures): Promise<Markup> {
  const taken = takenFrom(trace, window)
  const shown = [...taken].sort((a, b) => b.share - a.share).slice(0, MOST_FRAMES)
  shown.sort((a, b) => taken.indexOf(a) - taken.indexOf(b))
  const heat = heatShares(taken.flatMap(({ weights }) => weights))
  const perFrame = heat.length / taken.length
  const views: Markup[] = []
  for (const part of shown) {
    const at = taken.indexOf(part) * perFrame
    const picture = await pictures.medium(part.frame)
    views.push(view(data, trace, window, part, heat.subarray(at, at + perFrame), picture))
  }
  const rest = taken.length - shown.length
  const first = taken[0]?.frame ?? 0
  const last = taken.at(-1)?.frame ?? first
  const span =
    first === last ? frameName(data, first) : `${frameName(data, first)} to ${frameName(data, last)}`
  return html`<article class="card">
<h4><span>${span}</span> <span class="where">row ${window.row + 1}, column ${window.column + 1}</span></h4>
<p>read: <b class="attention-text">${percent(window.attention)}</b> of the answer’s attention</p>
<div class="members" style="grid-template-columns:repeat(${Math.max(2, views.length)},1fr)">${views}</div>
${rest > 0 && html`<p class="small">and ${counted(rest, isStills(data) ? 'more picture' : 'more frame')} with ${percent(1 - shown.reduce((sum, { share }) => sum + share, 0))} together</p>`}
</article>`
}

function takenFrom({ pooling, order }: Trace, { frames: [first, end], members }: Window): Taken[] {
  const size = pooling.kernel[1] * pooling.kernel[2]
  const byFrame = new Map<number, number[]>()
  for (let at = 0; at < end - first; at++) {
    const frame = order[first + at] ?? first + at
    const before = byFrame.get(frame)
    const own = Array.from(members.subarray(at * size, (at + 1) * size))
    byFrame.set(frame, before?.map((weight, patch) => weight + (own[patch] ?? 0)) ?? own)
  }
  return Array.from(byFrame, ([frame, weights]) => {
    return { frame, share: weights.reduce((sum, weight) => sum + weight, 0), weights }
  })
}

function view(
  data: TraceData,
  { grid, pooling: { kernel } }: Trace,
  { row, column }: Window,
  { frame, share }: Taken,
  heat: Float32Array,
  { uri, width, height }: PagePicture,
): Markup {
  const name = frameName(data, frame)
  const seen = data.seen(frame)
  const region = {
    left: seen.left + (column / grid[2]) * seen.width,
    top: seen.top + (row / grid[1]) * seen.height,
    width: (kernel[2] / grid[2]) * seen.width,
    height: (kernel[1] / grid[1]) * seen.height,
  }
  const cells = Array.from(heat, (value) => html`<i class="p${level(value)}"></i>`)
  return html`<figure><div class="picture" style="aspect-ratio:${width}/${height}"><img src="${uri}" alt="Frame at ${name}"><span class="box" style="${regionStyle(region)};grid-template-columns:repeat(${kernel[2]},1fr)">${cells}</span></div><figcaption>${name} <b>${percent(share)}</b></figcaption></figure>`
}
