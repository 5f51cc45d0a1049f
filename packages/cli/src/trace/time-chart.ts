import { formatTimestamp } from '@longtake/core'
import { heatShares, mattered, type TimeSpan, timeTicks } from '@longtake/runtime/video'
import { axisSpans, frameName, isGuided, isTimeless } from './frame-facts.js'
import { html, type Markup } from './html.js'
import { grouped, level, percent, type TraceData } from './trace-data.js'
import { stepsOf } from './trace-steps.js'

/** The chart's own units; it is stretched to the width of the page. */
const WIDTH = 1000
const HALF = 90
const BAND = 14
const GAP = 5
const MAX_TICKS = 9
/** Narrower windows would be a blur, units. */
const MIN_WINDOW = 2

/** Relevance above, attention below, windows between them, over the watched time. */
export function timeChart(data: TraceData): Markup {
  const spans = axisSpans(data)
  const [first, last] = [spans[0], spans.at(-1)]
  if (first === undefined || last === undefined) return html``
  const whole = { start: first.start, end: last.end }
  const isQuestionShown = isGuided(data)
  const top = isQuestionShown ? HALF + GAP : 0
  const band = windowBand(data, spans, whole, top)
  const below = top + (band === undefined ? 0 : BAND + GAP)
  const height = below + HALF
  const relevance = data.frames.map((frame) => frame.relevance ?? 0)
  const weights = data.frames.map(({ weight }) => weight)
  // Alone, bars grow upwards as everywhere else.
  const attention = isQuestionShown
    ? bars(weights, spans, whole, below, 1)
    : bars(weights, spans, whole, height, -1)
  return html`<div class="chart">
<svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" style="aspect-ratio:${WIDTH}/${height}" role="img" aria-label="${describe(data)}">
${isQuestionShown && html`<path class="relevance" d="${bars(relevance, spans, whole, HALF, -1)}"/>`}
${band}
<path class="attention" d="${attention}"/>
</svg>
${axis(data, whole)}
</div>
<ul class="legend">
${isQuestionShown && html`<li><i class="swatch relevance"></i>up: how much the question is about this moment</li>`}
${band !== undefined && html`<li><i class="swatch window"></i>middle: pooling windows, in stronger colours where more was read</li>`}
<li><i class="swatch attention"></i>${isQuestionShown ? 'down' : 'bars'}: how much the answer read of this moment</li>
</ul>`
}

/** One outline around all bars. `direction` −1 grows upwards from `base`, 1 downwards. */
function bars(
  values: readonly number[],
  spans: readonly TimeSpan[],
  whole: TimeSpan,
  base: number,
  direction: 1 | -1,
): string {
  const largest = Math.max(Number.MIN_VALUE, ...values)
  let path = `M0 ${base}`
  for (const [index, span] of spans.entries()) {
    const height = ((values[index] ?? 0) / largest) * HALF
    path += `H${place(span.start, whole)}V${short(base + direction * height)}H${place(span.end, whole)}V${base}`
  }
  return `${path}Z`
}

/** Windows along time, where frames stand in the context in the order of time and each is wide enough to be seen. */
function windowBand(
  { trace, plan }: TraceData,
  spans: readonly TimeSpan[],
  whole: TimeSpan,
  y: number,
): Markup | undefined {
  if (trace === undefined || plan.layout === 'unordered') return undefined
  const steps = stepsOf(trace)
  if (WIDTH / steps.length < MIN_WINDOW) return undefined
  const heat = heatShares(steps.map(({ attention }) => attention))
  const isOverlapping = trace.pooling.stride[0] < trace.pooling.kernel[0]
  const height = isOverlapping ? BAND / 2 : BAND
  const spanAt = (at: number): TimeSpan => spans[trace.order[at] ?? at] ?? whole
  const rectangles = steps.map(({ frames: [from, end] }, index) => {
    const left = place(spanAt(from).start, whole)
    const right = place(spanAt(end - 1).end, whole)
    const top = y + (isOverlapping ? (index % 2) * height : 0)
    const width = short(Math.max(0.5, right - left - 0.8))
    return html`<rect class="h${level(heat[index] ?? 0)}" x="${left}" y="${top}" width="${width}" height="${height}"/>`
  })
  return html`<g>${rectangles}</g>`
}

function axis(data: TraceData, whole: TimeSpan): Markup {
  const isPlaces = isTimeless(data)
  const ticks = isPlaces
    ? [whole.start + 0.5, whole.end - 0.5].filter((_, index) => index === 0 || whole.end - whole.start > 1)
    : timeTicks(whole, MAX_TICKS)
  const labels = ticks.map((tick, index) => {
    const left = place(tick, whole) / (WIDTH / 100)
    const text = isPlaces ? frameName(data, Math.floor(tick)) : formatTimestamp(tick)
    const side = left < 4 ? ' first' : left > 96 ? ' last' : ''
    return html`<span class="tick${side}${index % 2 === 1 ? ' minor' : ''}" style="left:${short(left)}%">${text}</span>`
  })
  return html`<div class="axis" aria-hidden="true">${labels}</div>`
}

/** The chart for those who do not see it. */
function describe(data: TraceData): string {
  const { frames } = data
  const marked = mattered(frames.map(({ weight }) => weight))
  const moments = marked.map((index) => `${frameName(data, index)} (${percent(frames[index]?.weight ?? 0)})`)
  const read =
    moments.length > 0
      ? `The answer read most of ${moments.join(', ')}.`
      : 'The answer read all frames about alike.'
  return `${grouped(frames.length)} frames over the watched time. ${read}`
}

function place(at: number, { start, end }: TimeSpan): number {
  return short(((at - start) / (end - start)) * WIDTH)
}

function short(value: number): number {
  return Math.round(value * 100) / 100
}
