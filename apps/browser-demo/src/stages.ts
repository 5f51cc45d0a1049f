import { announce, make, need } from './dom.js'
import { formatBytes } from './format.js'
import type { Step } from './messages.js'

const LABELS: readonly (readonly [Step['stage'], label: string, unit: string])[] = [
  ['load', 'Model', ''],
  ['open', 'Open', ''],
  ['decode', 'Decode', 'frames'],
  ['encode', 'Encode', 'frames'],
  ['prefill', 'Prefill', 'tokens'],
]

interface Row {
  readonly item: HTMLElement
  readonly bar: HTMLProgressElement
  readonly text: HTMLElement
  readonly unit: string
}

/** The stages of watching, each with a bar. */
export class Stages {
  readonly #panel = need('stages', HTMLElement)
  readonly #title = need('stages-title', HTMLElement)
  readonly #rows = new Map<Step['stage'], Row>()

  constructor() {
    for (const [stage, label, unit] of LABELS) {
      const id = `stage-${stage}`
      const bar = make('progress', { max: 1, value: 0 })
      bar.setAttribute('aria-labelledby', id)
      const text = make('span', { className: 'amount' })
      const item = make('li', {}, make('span', { id, className: 'label' }, label), bar, text)
      need('stage-list', HTMLElement).append(item)
      this.#rows.set(stage, { item, bar, text, unit })
    }
  }

  begin(title: string): void {
    this.#title.textContent = title
    this.#panel.hidden = false
    for (const [stage, { item, bar, text }] of this.#rows) {
      // The model is loaded once.
      if (stage === 'load' && bar.value === 1) continue
      item.className = ''
      bar.value = 0
      text.textContent = ''
    }
    announce(title)
  }

  show({ stage, done, total }: Step): void {
    const row = this.#rows.get(stage)
    if (row === undefined) return
    for (const { item } of this.#rows.values())
      item.classList.toggle('now', item === row.item && done < total)
    row.bar.value = total > 0 ? done / total : 1
    row.text.textContent =
      done >= total
        ? 'done'
        : stage === 'load'
          ? `of ${formatBytes(total)}`
          : `${done} of ${total} ${row.unit}`
  }

  end(): void {
    this.#panel.hidden = true
  }
}
