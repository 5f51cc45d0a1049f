import MarkdownIt from 'markdown-it'
import type { MarkdownFile } from './markdown-files.js'

/** Languages of samples that are checked. */
const LANGUAGES = ['ts', 'js', 'sh'] as const
type Language = (typeof LANGUAGES)[number]

/** A fenced block of code, as its page shows it. */
export interface Sample {
  readonly path: string
  /** Line of the fence, from 1. */
  readonly line: number
  readonly language: Language
  readonly code: string
  /** Why it is not run; undefined where it is. From an info string such as `ts no-run: needs a key`. */
  readonly notRun: string | undefined
  /** What the page says that it prints, in the block after the word “prints”. */
  readonly prints: string | undefined
}

/** The samples of a document, in their order. @throws Error for an info string that nothing here understands. */
export function findSamples({ path, text }: MarkdownFile): Sample[] {
  const tokens = new MarkdownIt().parse(text, {})
  return tokens.flatMap((token, index) => {
    if (token.type !== 'fence') return []
    const [name = '', ...rest] = token.info.trim().split(' ')
    const language = LANGUAGES.find((one) => one === name)
    if (language === undefined) return []
    const line = (token.map?.[0] ?? 0) + 1
    const notRun = readReason(rest.join(' '), `${path}:${line}`)
    return [{ path, line, language, code: token.content, notRun, prints: printedAfter(tokens, index) }]
  })
}

function readReason(words: string, place: string): string | undefined {
  if (words === '') return undefined
  const reason = /^no-run: (\S.*)$/.exec(words)?.[1]
  if (reason === undefined)
    throw new Error(`${place}: expected “no-run: a reason” after the language, got “${words}”`)
  return reason
}

/** The content of the block after a paragraph that is the word “prints”. */
function printedAfter(tokens: ReturnType<MarkdownIt['parse']>, fence: number): string | undefined {
  const [open, words, close, block] = tokens.slice(fence + 1, fence + 5)
  if (open?.type !== 'paragraph_open' || words?.content !== 'prints' || close === undefined) return undefined
  return block?.type === 'fence' || block?.type === 'code_block' ? block.content : undefined
}
