import type { OutputStream } from './io.js'

/** Width assumed where a terminal does not tell its own. */
const DEFAULT_COLUMNS = 80

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export type Style = keyof typeof STYLES

/** An output stream, with what its terminal can do. */
export class Terminal {
  /** Whether a person sees the output live: a terminal that can move its cursor. */
  readonly isLive: boolean
  /** Whether a terminal shows the output, so that control characters would act on it. */
  readonly isTerminal: boolean
  /** Whether symbols beyond ASCII can be shown. */
  readonly isUnicode: boolean
  readonly #stream: OutputStream
  readonly #hasColour: boolean
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(stream: OutputStream, env: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream
    this.#env = env
    this.isTerminal = stream.isTTY === true
    const isDumb = env.TERM === 'dumb'
    this.isLive = this.isTerminal && !isDumb && !isSet(env.CI)
    this.#hasColour = this.isTerminal && !isDumb && !isSet(env.NO_COLOR)
    const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
    this.isUnicode = /utf-?8/i.test(locale) || process.platform === 'win32' || process.platform === 'darwin'
  }

  /** Characters in a line. */
  get columns(): number {
    const columns = this.#stream.columns ?? Number(this.#env.COLUMNS)
    return Number.isInteger(columns) && columns > 0 ? columns : DEFAULT_COLUMNS
  }

  /** Text in a style, where the terminal has colours and the person wants them. */
  style(style: Style, text: string): string {
    const [on, off] = STYLES[style]
    return this.#hasColour && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text
  }

  /** Text of others (models, files, addresses) without what would steer a terminal. */
  plain(text: string): string {
    return this.isTerminal ? text.replace(/[^\P{Cc}\n\t]/gu, '') : text
  }

  write(text: string): void {
    this.#stream.write(text)
  }

  line(text = ''): void {
    this.#stream.write(`${text}\n`)
  }

  /** Resolves when everything written so far has left the process. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#stream.write('', () => resolve()))
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
