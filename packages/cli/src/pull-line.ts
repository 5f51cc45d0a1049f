import type { PullProgress } from '@longtake/runtime'
import { formatBytes } from './describe.js'
import type { Terminal } from './terminal.js'

/** Milliseconds between plain lines: a log shows life without filling up. */
const PLAIN_MS = 10_000
const MAX_BAR = 24
const MIN_BAR = 5

/** Shows how far a download is: one live line on a terminal, lines now and then elsewhere, nothing when quiet. */
export class PullLine {
  readonly #terminal: Terminal
  readonly #mode: 'live' | 'plain' | 'none'
  #shownMs = performance.now()
  #isPainted = false

  constructor(terminal: Terminal, { quiet = false }: { readonly quiet?: boolean | undefined }) {
    this.#terminal = terminal
    this.#mode = quiet ? 'none' : terminal.isLive ? 'live' : 'plain'
  }

  /** Follows `pull`. */
  readonly show = (progress: PullProgress): void => {
    if (this.#mode === 'live') this.#paint(progress)
    if (this.#mode !== 'plain') return
    const now = performance.now()
    const isEnd = progress.doneFiles === progress.totalFiles
    if (!isEnd && now - this.#shownMs < PLAIN_MS) return
    this.#shownMs = now
    this.#terminal.line(`pull: ${describe(progress)}`)
  }

  /** Takes the live line away, so that other text can be written. */
  clear(): void {
    if (this.#isPainted) this.#terminal.write('\r\u001b[K')
    this.#isPainted = false
  }

  #paint(progress: PullProgress): void {
    const { columns } = this.#terminal
    const text = ` ${describe(progress)}`
    // The last column stays free: some terminals wrap when it is written.
    const width = Math.min(MAX_BAR, columns - 1 - text.length)
    const bar = width < MIN_BAR ? '' : this.#bar(width, progress.doneBytes / Math.max(progress.totalBytes, 1))
    const line = bar === '' ? text.trim().slice(0, Math.max(columns - 1, 0)) : bar + text
    this.#terminal.write(`\r${line}\u001b[K`)
    this.#isPainted = true
  }

  #bar(width: number, share: number): string {
    const [full, empty] = this.#terminal.isUnicode ? ['█', '░'] : ['#', '.']
    const filled = Math.min(width, Math.max(0, Math.round(width * share)))
    return (
      this.#terminal.style('cyan', full.repeat(filled)) +
      this.#terminal.style('dim', empty.repeat(width - filled))
    )
  }
}

function describe({ doneBytes, totalBytes, doneFiles, totalFiles, ...pace }: PullProgress): string {
  const parts = [
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    `${doneFiles}/${totalFiles} files`,
  ]
  if (pace.bytesPerSecond > 0) parts.push(`${formatBytes(Math.round(pace.bytesPerSecond))}/s`)
  if (pace.secondsLeft !== undefined && doneBytes < totalBytes) parts.push(`${clock(pace.secondsLeft)} left`)
  return parts.join(', ')
}

/** `0:42`, `12:05`, `3:00:00`. */
function clock(seconds: number): string {
  const whole = Math.min(Math.ceil(seconds), 359_999)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}
