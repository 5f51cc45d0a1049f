import { basename, isAbsolute } from 'node:path'
import { formatTimestamp } from '@longtake/core'
import { mattered } from '@longtake/runtime/video'
import { contextSection } from './context-section.js'
import { frameName, importance, isGuided, isStills } from './frame-facts.js'
import { framesSection, meter, most } from './frames-section.js'
import { heatSprite } from './heat-sprite.js'
import { html, type Markup, markupText } from './html.js'
import { toldByPicture } from './joined-stills.js'
import { chooseShown, Pictures, type ShownFrames } from './pictures.js'
import { planFigures, planSentences } from './plan-words.js'
import { pageStyle } from './style.js'
import { timeChart } from './time-chart.js'
import { grouped, percent, type TraceData } from './trace-data.js'
import { windowsSection } from './windows-section.js'

/** Nothing is loaded and nothing runs: whoever opens the page is told by nobody, and names in it can do nothing. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/** Files that are named one by one. */
const MOST_FILES = 3

/**
 * One HTML file that shows how an answer came about; it needs no network, no script and no other file.
 *
 * @returns The whole document.
 */
export async function tracePage(answered: TraceData): Promise<string> {
  const data = toldByPicture(answered)
  const shown = chooseShown(data)
  const pictures = new Pictures(data, shown.small.length)
  const sprite = heatSprite(data)
  const frames = await framesSection(data, shown, pictures, sprite)
  const windows = await windowsSection(data, pictures)
  return markupText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${data.question} · Longtake trace</title>
${pageStyle(sprite)}
</head>
<body>
${heading(data)}
<main>
${answerSection(data, shown)}
${timeSection(data)}
${frames}
${windows}
${contextSection(data)}
${numbersSection(data)}
</main>
<footer><p>Made by <b>longtake trace</b> on this machine. The page holds everything that it shows and loads nothing.</p></footer>
</body>
</html>
`)
}

function heading({ files, facts, question, model }: TraceData): Markup {
  const names = files.slice(0, MOST_FILES).map((file) => html`<bdi>${basename(file) || file}</bdi> `)
  const more = files.length > MOST_FILES && `and ${grouped(files.length - MOST_FILES)} more `
  const length =
    facts.stills === undefined && facts.durationSeconds > 0 && `· ${formatTimestamp(facts.durationSeconds)} `
  return html`<header>
<p class="kicker">How an answer came about</p>
<h1><bdi>${question}</bdi></h1>
<p class="meta">${names}${more}${length}· <bdi>${modelName(model)}</bdi></p>
</header>`
}

/** A folder by its own name: where it lies is nobody's business who is shown the page. */
function modelName(model: string): string {
  return isAbsolute(model) || model.startsWith('.') ? basename(model) : model
}

function answerSection(data: TraceData, shown: ShownFrames): Markup {
  const figures = planFigures(data).map(
    ({ name, value, detail }) => html`<div><dt>${name}</dt><dd>${value}<span>${detail}</span></dd></div>`,
  )
  return html`<section aria-labelledby="answer">
<h2 id="answer">Answer</h2>
<p class="answer"><bdi>${data.answer.trim() || '(no words)'}</bdi></p>
${moments(data, shown)}
<p class="plan">${planSentences(data)} All of it took ${(data.milliseconds / 1000).toFixed(2)} seconds.</p>
<dl class="figures">${figures}</dl>
${data.notes.length > 0 && html`<details><summary>Notes</summary><ul>${data.notes.map((note) => html`<li>${note}</li>`)}</ul></details>`}
</section>`
}

/** The frames that the answer rests on, neighbours together, each a link to its picture. */
function moments(data: TraceData, { large, small }: ShownFrames): Markup {
  const runs = joinNeighbours(mattered(data.frames.map(({ weight }) => weight)))
  const noun = isStills(data) ? 'picture' : 'moment'
  if (runs.length === 0) return html`<p>The answer rests on no ${noun} more than on others.</p>`
  const chips = runs.map((run) => {
    const [first = 0] = run
    const share = run.reduce((sum, index) => sum + (data.frames[index]?.weight ?? 0), 0)
    const end = run.length > 1 && ` to ${frameName(data, run.at(-1) ?? first)}`
    const text = html`<b>${frameName(data, first)}${end}</b> ${percent(share)}`
    // The largest picture among them, where one of them is large.
    const target = run.find((index) => large.includes(index)) ?? first
    const isShown = large.includes(target) || small.includes(target)
    return isShown ? html`<li><a href="#f${target}">${text}</a></li>` : html`<li>${text}</li>`
  })
  return html`<p>It rests most on ${runs.length === 1 ? `this ${noun}` : `these ${noun}s`}, with the share of attention of the answer’s first word:</p>
<ul class="chips">${chips}</ul>`
}

/** Indices in order, those without a gap between them together. */
function joinNeighbours(indices: readonly number[]): number[][] {
  const runs: number[][] = []
  for (const index of indices) {
    const last = runs.at(-1)
    if (last?.at(-1) === index - 1) last.push(index)
    else runs.push([index])
  }
  return runs
}

function timeSection(data: TraceData): Markup {
  const text = isGuided(data)
    ? `First the question is compared with every ${isStills(data) ? 'picture' : 'frame'} (up). That decides what gets into the context. Then the answer reads the context (down). Where both are high, the model found what was asked for.`
    : `How much the answer read of each frame. ${data.plan.pooling === null ? 'Nothing was pooled' : 'Pooling did not look at the question'}, so there is no relevance to the question to show.`
  return html`<section aria-labelledby="time">
<h2 id="time">Where in ${isStills(data) ? 'the pictures' : 'the video'}</h2>
<p>${text}</p>
${timeChart(data)}
</section>`
}

/** Rows of the table: all of a short video, the most important of a long one. */
const MOST_ROWS = 128

function numbersSection(data: TraceData): Markup {
  const weights = importance(data)
  const order = weights.map((_, index) => index)
  const indices = order.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0)).slice(0, MOST_ROWS)
  indices.sort((a, b) => a - b)
  const [mostRelevance, mostWeight] = [most(data, 'relevance'), most(data, 'weight')]
  const isAll = indices.length === weights.length
  const rows = indices.map((index) => {
    const { weight = 0, relevance } = data.frames[index] ?? {}
    return html`<tr><th scope="row">${frameName(data, index)}</th><td>${relevance === undefined ? '–' : meter('relevance', '', relevance, mostRelevance)}</td><td>${meter('attention', '', weight, mostWeight)}</td></tr>
`
  })
  return html`<section aria-labelledby="numbers">
<h2 id="numbers">All numbers</h2>
<details><summary>${isAll ? 'Every frame' : `The ${MOST_ROWS} frames that matter most`}</summary>
<table><thead><tr><th scope="col">frame</th><th scope="col">question’s relevance</th><th scope="col">answer’s attention</th></tr></thead><tbody>${rows}</tbody></table></details>
</section>`
}
