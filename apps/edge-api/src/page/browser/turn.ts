import { ask, type Evidence, storyboard, type Video } from './api.js'
import { announce, make, need } from './dom.js'
import type { Stages } from './stages.js'
import { makeStrip, openSheet, type Sheet, scrollToChosen } from './strip.js'

/** A question with its answer, as it comes. */
export class Turn {
  readonly #element: HTMLElement
  readonly #answer = make('p', { className: 'answer' })
  #text = ''

  constructor(question: string) {
    const title = make(
      'h2',
      { className: 'question' },
      make('span', { className: 'hidden' }, 'Question: '),
      question,
    )
    this.#element = make('article', { className: 'turn' }, title)
    const turns = need('turns', HTMLElement)
    // What earlier answers rest on is there, but folded.
    for (const earlier of turns.querySelectorAll<HTMLDetailsElement>('.evidence')) earlier.open = false
    turns.append(this.#element)
    if (turns.childElementCount > 1) this.#element.scrollIntoView({ block: 'start' })
  }

  /**
   * Shows the answer word by word, then what it rests on.
   *
   * @returns The storyboard that was fetched, to be let go with the video.
   * @throws {Failure} If there is no answer; what came of it stays.
   */
  async run(video: Video, question: string, stages: Stages, signal: AbortSignal): Promise<Sheet | undefined> {
    const evidence = await this.#stream(video, question, stages, signal)
    if (evidence === undefined) return undefined
    // The answer stands without its pictures.
    const sheet = await storyboard(video.id, signal)
      .then(openSheet)
      .catch(() => undefined)
    const strip = makeStrip(evidence, sheet)
    this.#element.append(strip, ...notesOf(evidence))
    scrollToChosen(strip)
    return sheet
  }

  /** Takes the question back if nothing was answered. */
  abandon(): void {
    if (this.#text === '') this.#element.remove()
    else this.#element.append(make('p', { className: 'hint' }, 'The answer was not finished.'))
  }

  async #stream(
    video: Video,
    question: string,
    stages: Stages,
    signal: AbortSignal,
  ): Promise<Evidence | undefined> {
    let evidence: Evidence | undefined
    for await (const { choices, longtake } of ask(video, question, signal)) {
      const [choice] = choices ?? []
      const { position, stage, done, total } = longtake ?? {}
      if (position !== undefined) stages.wait(position)
      else if (stage !== undefined && done !== undefined && total !== undefined)
        stages.show({ stage, done, total })
      if (choice?.delta.content) this.#say(choice.delta.content, stages)
      if (longtake?.frames !== undefined) evidence = longtake as Evidence
    }
    if (this.#text.trim() === '') this.#say('(The model said nothing.)', stages)
    announce(`Answer: ${this.#text}`)
    return evidence
  }

  #say(text: string, stages: Stages): void {
    if (this.#text === '') {
      stages.end()
      this.#element.append(this.#answer)
    }
    this.#text += text
    this.#answer.textContent = this.#text
  }
}

function notesOf({ notes, timings }: Evidence): HTMLElement[] {
  const seconds = Math.max(0.1, timings.total / 1000).toLocaleString('en', { maximumFractionDigits: 1 })
  const took = make('p', { className: 'hint' }, `Answered in ${seconds} s.`)
  if (notes.length === 0) return [took]
  const list = make('ul', {}, ...notes.map((note) => make('li', {}, note)))
  return [took, make('details', { className: 'notes' }, make('summary', {}, 'Notes on this answer'), list)]
}
