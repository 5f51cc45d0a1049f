import type { Progress, StageName } from './api.js'
import { announce, make, need } from './dom.js'
import { count } from './format.js'

const STAGES: readonly { readonly name: StageName; readonly label: string; readonly unit: string }[] = [
  { name: 'open', label: 'Open', unit: '' },
  { name: 'decode', label: 'Decode', unit: 'frames' },
  { name: 'encode', label: 'Encode', unit: 'frames' },
  { name: 'prefill', label: 'Prefill', unit: 'tokens' },
]

interface Row {
  readonly item: HTMLElement
  readonly bar: HTMLProgressElement
  readonly text: HTMLElement
}

/** The stages of watching, each with a bar. */
export class Stages {
  readonly #panel = need('stages', HTMLElement)
  readonly #title = need('stages-title', HTMLElement)
  readonly #waiting = need('waiting', HTMLElement)
  readonly #rows = new Map<StageName, Row>()

  constructor() {
    for (const { name, label } of STAGES) {
      const id = `stage-${name}`
      const bar = make('progress', { max: 1, value: 0 })
      bar.setAttribute('aria-labelledby', id)
      const text = make('span', { className: 'amount' })
      const item = make('li', {}, make('span', { id, className: 'label' }, label), bar, text)
      need('stage-list', HTMLElement).append(item)
      this.#rows.set(name, { item, bar, text })
    }
  }

  /** @param isWatched - Whether only what comes after watching is left. */
  begin(title: string, isWatched: boolean): void {
    this.#panel.hidden = false
    this.#title.textContent = title
    for (const [name, { item, bar, text }] of this.#rows) {
      const isDone = isWatched && name !== 'prefill'
      item.className = isDone ? 'done' : ''
      bar.value = isDone ? 1 : 0
      text.textContent = isDone ? 'done' : ''
    }
    this.wait(undefined)
    announce(title)
  }

  /** Place in the queue, or words; nothing where it goes on. */
  wait(position: number | string | undefined): void {
    const text =
      typeof position !== 'number'
        ? (position ?? '')
        : position > 0
          ? `Waiting: ${count(position, 'request is', 'requests are')} before you.`
          : 'Waiting for a free place.'
    this.#waiting.hidden = text === ''
    this.#waiting.textContent = text
    if (text !== '') announce(text)
  }

  show({ stage, done, total }: Progress): void {
    this.wait(undefined)
    const at = STAGES.findIndex(({ name }) => name === stage)
    for (const [index, { name, unit, label }] of STAGES.entries()) {
      const row = this.#rows.get(name)
      if (row === undefined || index > at) continue
      // Decoding and encoding go on together; only what is full, or was left behind, is done.
      const isDone =
        index < at ? !(name === 'decode' && row.bar.value < 1 && stage === 'encode') : done >= total
      row.item.className = isDone ? 'done' : 'now'
      if (index === at) {
        row.bar.value = total > 0 ? Math.min(1, done / total) : 0
        row.text.textContent = unit === '' ? (isDone ? 'done' : '') : `${done} of ${count(total, unit, unit)}`
        if (isDone) announce(`${label}: done`)
      } else if (isDone) {
        row.bar.value = 1
        if (row.text.textContent === '') row.text.textContent = 'done'
      }
    }
  }

  end(): void {
    this.#panel.hidden = true
  }
}
