import { heatShares } from '@longtake/runtime/video'
import { frameName } from './frame-facts.js'
import { html, type Markup } from './html.js'
import { counted, grouped, level, percent, type TraceData } from './trace-data.js'
import { stepsOf } from './trace-steps.js'

/** More cells would be a blur and a large page; then a cell is a step in time. */
const MOST_CELLS = 4096

/** Cells that stand for one stretch of the context. */
interface CellBlock {
  readonly name: string
  /** One for each token, or one for all. */
  readonly attention: readonly number[]
}

/** What the language model was given, in its order, and how much it read of it. */
export function contextSection(data: TraceData): Markup {
  const { trace, plan } = data
  const steps = blocksOf(data)
  const values = steps.flatMap(({ attention }) => attention)
  const heat = heatShares(values)
  let at = 0
  const cells = steps.map(({ name, attention }) => {
    const own = attention.map(() => html`<i class="h${level(heat[at++] ?? 0)}"></i>`)
    const sum = attention.reduce((total, value) => total + value, 0)
    const width = trace !== undefined && attention.length > 1 ? trace.pooling.shape[2] : 1
    return html`<span class="step" style="grid-template-columns:repeat(${width},var(--cell))" title="${name}: ${percent(sum)} of the attention">${own}</span>`
  })
  return html`<section aria-labelledby="context">
<h2 id="context">What entered the context</h2>
<p>The language model reads one long row: the beginning of the prompt, the video, and the rest of the prompt with the question. ${explainCells(data, values.length, steps.length)}</p>
<div class="context">
${trace && html`<div class="prompt"><b>prompt, before the video</b><pre>${trace.prompt.before || '(nothing)'}</pre></div>`}
<div class="tokens"><b>${grouped(plan.visualTokens)} visual tokens</b> <span class="scale"><span>little read</span><i class="cells">${levels()}</i><span>much read</span></span>
<div class="cells" role="img" aria-label="${describeAttention(values)}">${cells}</div></div>
${trace && html`<div class="prompt"><b>prompt, after the video</b><pre>${trace.prompt.after}</pre></div>`}
</div>
${concentration(data)}
</section>`
}

function blocksOf(data: TraceData): CellBlock[] {
  const { trace, frames } = data
  if (trace === undefined)
    return frames.map(({ index, weight }) => ({ name: frameName(data, index), attention: [weight] }))
  const isWhole = trace.windows.length > MOST_CELLS
  return stepsOf(trace).map(({ frames: [first], tokens, attention }) => ({
    name: frameName(data, trace.order[first] ?? first),
    attention: isWhole ? [attention] : tokens,
  }))
}

function explainCells({ plan, trace }: TraceData, cells: number, steps: number): string {
  if (cells === plan.visualTokens && trace !== undefined) {
    const [, rows, columns] = trace.pooling.shape
    const block =
      rows * columns > 1
        ? ` Each block is one moment, ${rows} × ${columns} tokens as they lie in the picture.`
        : ''
    return `Each cell is one token of the video; the more it stands out, the more the answer read of it.${block}`
  }
  const each = trace === undefined ? 'frame' : 'moment'
  return `Each of the ${grouped(steps)} cells is all tokens of one ${each}; the more it stands out, the more the answer read of it.`
}

function levels(): Markup[] {
  return Array.from({ length: 10 }, (_, index) => html`<i class="h${index}"></i>`)
}

function describeAttention(values: readonly number[]): string {
  return `${grouped(values.length)} cells; ${grouped(cellsFor(values, 0.5))} of them hold half of the attention.`
}

/** In a sentence: on how few tokens the answer rests. */
function concentration({ trace, frames }: TraceData): Markup {
  const values = trace ? trace.windows.map(({ attention }) => attention) : frames.map(({ weight }) => weight)
  const noun = trace ? 'token' : 'frame'
  const half = counted(cellsFor(values, 0.5), noun)
  const most = counted(cellsFor(values, 0.9), noun)
  return html`<p class="note">Half of what the answer’s first word read of the video is in <b>${half}</b>, nine tenths are in <b>${most}</b>, of ${grouped(values.length)}.</p>`
}

/** The fewest values that add up to a share of all. */
function cellsFor(values: readonly number[], share: number): number {
  const total = values.reduce((sum, value) => sum + value, 0)
  let sum = 0
  let cells = 0
  for (const value of [...values].sort((a, b) => b - a)) {
    if (sum >= share * total) break
    sum += value
    cells++
  }
  return cells
}
