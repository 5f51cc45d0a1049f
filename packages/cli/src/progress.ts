import type { BuildProgress, WatchProgress, WatchStage } from '@longtake/runtime'
import type { Terminal } from './terminal.js'

/** Milliseconds between repaints: smooth to the eye, and cheap beside any stage. */
const REPAINT_MS = 60
/** Milliseconds between plain lines of a stage under way: a log shows life without filling up. */
const PLAIN_MS = 10_000
const MEGABYTE = 1e6
/** Characters of a bar, at most and at least. */
const MAX_BAR = 30
const MIN_BAR = 5

type Stage = 'fetch' | 'load' | 'prepare' | WatchStage

const UNITS: Record<Stage, string> = {
  fetch: '',
  load: '',
  prepare: ' MB',
  open: '',
  decode: ' frames',
  encode: ' frames',
  prefill: ' tokens',
}
const LABEL_WIDTH = 8

/** Shows how far the work is: one live line on a terminal, a line for each stage elsewhere, nothing when quiet. */
export class Progress {
  readonly #terminal: Terminal
  readonly #mode: 'live' | 'plain' | 'none'
  #stage: Stage | undefined
  #startMs = 0
  #shownMs = 0
  #isPainted = false

  constructor(terminal: Terminal, { quiet = false }: { readonly quiet?: boolean | undefined } = {}) {
    this.#terminal = terminal
    this.#mode = quiet ? 'none' : terminal.isLive ? 'live' : 'plain'
  }

  /** Follows `watch`. */
  readonly onProgress = ({ stage, done, total }: WatchProgress): void => this.#report(stage, done, total)

  /** Shows that links are being opened while `work` runs. */
  async fetch<R>(work: () => Promise<R>): Promise<R> {
    this.#report('fetch', 0, 1)
    const result = await work()
    this.#report('fetch', 1, 1)
    return result
  }

  /** Shows that the model is being loaded while `work` runs, and how its weights are prepared if they have to be. */
  async load<R>(work: (onProgress: (progress: BuildProgress) => void) => Promise<R>): Promise<R> {
    this.#report('load', 0, 1)
    const result = await work(this.onPrepare)
    this.#report('load', 1, 1)
    return result
  }

  /** Follows `prepareWeights`. */
  readonly onPrepare = ({ doneBytes, totalBytes }: BuildProgress): void =>
    this.#report('prepare', Math.ceil(doneBytes / MEGABYTE), Math.ceil(totalBytes / MEGABYTE))

  /** Takes the live line away, so that other text can be written. */
  clear(): void {
    if (!this.#isPainted) return
    this.#terminal.write('\r\u001b[K')
    this.#isPainted = false
  }

  #report(stage: Stage, done: number, total: number): void {
    if (this.#mode === 'none') return
    const now = performance.now()
    const isNew = stage !== this.#stage
    const isEnd = done >= total
    if (isNew) {
      this.#stage = stage
      this.#startMs = now
    }
    const waitMs = this.#mode === 'live' ? REPAINT_MS : PLAIN_MS
    const isDue = isEnd || (isNew ? this.#mode === 'live' : now - this.#shownMs >= waitMs)
    if (isNew && !isDue) this.#shownMs = now
    if (!isDue) return
    this.#shownMs = now
    if (this.#mode === 'live') this.#paint(stage, done, total)
    else this.#terminal.line(plainLine(stage, done, total, isEnd ? now - this.#startMs : undefined))
  }

  #paint(stage: Stage, done: number, total: number): void {
    const { columns } = this.#terminal
    const label = stage.padEnd(LABEL_WIDTH)
    const count = total > 1 ? ` ${done}/${total}${UNITS[stage]}` : ''
    // The last column stays free: some terminals wrap when it is written.
    const width = Math.min(MAX_BAR, columns - 1 - label.length - count.length)
    const bar = width < MIN_BAR ? '' : this.#bar(width, total > 0 ? done / total : 1)
    const line = bar === '' ? (label + count).slice(0, Math.max(columns - 1, 0)) : label + bar + count
    this.#terminal.write(`\r${line}\u001b[K`)
    this.#isPainted = true
  }

  #bar(width: number, share: number): string {
    const [full, empty] = this.#terminal.isUnicode ? ['█', '░'] : ['#', '.']
    const filled = Math.min(width, Math.round(width * share))
    return (
      this.#terminal.style('cyan', full.repeat(filled)) +
      this.#terminal.style('dim', empty.repeat(width - filled))
    )
  }
}

function plainLine(stage: Stage, done: number, total: number, milliseconds: number | undefined): string {
  const count = total > 1 ? ` ${done}/${total}${UNITS[stage]}` : ''
  const time = milliseconds === undefined ? '' : ` ${(milliseconds / 1000).toFixed(2)} s`
  return `${stage}:${count}${time}`
}
