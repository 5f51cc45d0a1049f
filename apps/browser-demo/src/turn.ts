import { announce, make, need } from './dom.js'
import { formatShare, formatTime } from './format.js'
import type { Evidence, ShownFrame } from './messages.js'

/** A question with its answer and what that rests on. */
export class Turn {
  readonly #element = make('article', { className: 'turn' })
  readonly #answer = make('p', { className: 'answer' })
  /** Pictures that the browser holds until they are let go. */
  readonly #urls: string[] = []
  #text = ''

  constructor(question: string) {
    this.#element.append(make('h2', { className: 'question' }, question), this.#answer)
    need('turns', HTMLElement).append(this.#element)
  }

  say(text: string): void {
    this.#text += text
    this.#answer.textContent = this.#text
  }

  end(evidence: Evidence, durationSeconds: number): void {
    if (this.#text.trim() === '') this.say('(The model said nothing.)')
    announce(`Answer: ${this.#text}`)
    const took = `Answered in ${evidence.seconds.toFixed(1)} s on this machine.`
    this.#element.append(
      this.#evidence(evidence, durationSeconds),
      make('p', { className: 'hint' }, [took, ...evidence.notes].join(' ')),
    )
    this.#element.scrollIntoView({ block: 'nearest' })
  }

  remove(): void {
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url)
    this.#element.remove()
  }

  #evidence({ weights, frames, storyboard }: Evidence, durationSeconds: number): HTMLElement {
    const title =
      frames.length === 0
        ? `All ${weights.length} frames weighed about alike`
        : `${frames.length} of ${weights.length} frames mattered most`
    const list = make('ol', { className: 'frames' }, ...frames.map((frame) => this.#frame(frame)))
    const sheet = make('img', { src: this.#url(storyboard), loading: 'lazy' })
    sheet.alt = `Storyboard of ${weights.length} frames with their times`
    const whole = make('details', {}, make('summary', {}, 'Whole storyboard'), sheet)
    const board = make('div', { className: 'board' }, ...heatOf(weights, durationSeconds), list, whole)
    return make('details', { className: 'evidence', open: true }, make('summary', {}, title), board)
  }

  #frame({ seconds, weight, picture }: ShownFrame): HTMLElement {
    const image = make('img', { src: this.#url(picture), alt: `Frame at ${formatTime(seconds)}` })
    const text = `${formatTime(seconds)}, ${formatShare(weight)}`
    return make('li', {}, image, make('span', {}, text))
  }

  #url(png: Uint8Array<ArrayBuffer>): string {
    const url = URL.createObjectURL(new Blob([png], { type: 'image/png' }))
    this.#urls.push(url)
    return url
  }
}

/** What each frame weighs, along time. */
function heatOf(weights: readonly number[], durationSeconds: number): HTMLElement[] {
  const largest = Math.max(...weights)
  const strip = make('div', { className: 'heat' })
  strip.setAttribute('role', 'img')
  strip.setAttribute('aria-label', 'What the answer rests on, along time')
  for (const weight of weights) {
    const part = make('span')
    part.style.opacity = String(largest > 0 ? weight / largest : 0)
    strip.append(part)
  }
  const times = make('p', { className: 'times' }, make('span', {}, '0:00.0'))
  times.append(make('span', {}, formatTime(durationSeconds)))
  return [strip, times]
}
