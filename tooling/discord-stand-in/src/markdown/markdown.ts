import { parseInline } from './inline.js'
import type { Block, Inline, TextBlock } from './nodes.js'

const FENCE = /```(?:[\w+.#-]+\n)?\n*([^\n].*?)\n*```/gs
const LINES: readonly (readonly [RegExp, TextBlock['kind']])[] = [
  [/^#{1,3} +(.+)$/s, 'heading'],
  [/^-# +(.+)$/s, 'small'],
  [/^(?:>>> |> )(.*)$/s, 'quote'],
  [/^\s*(?:[-*]|\d{1,10}[.)]) +(.+)$/s, 'item'],
]

/**
 * What Discord's clients make of a text: blocks, and in them formatting, links and mentions. Nesting of lists and the depth of
 * headings are left out.
 */
export function parseMarkdown(text: string): readonly Block[] {
  const blocks: Block[] = []
  let end = 0
  for (const fence of text.matchAll(FENCE)) {
    if (isEscaped(text, fence.index)) continue
    blocks.push(...linesOf(text.slice(end, fence.index)), { kind: 'code', text: fence[1] ?? '' })
    end = fence.index + fence[0].length
  }
  return [...blocks, ...linesOf(text.slice(end))]
}

/** The text that a reader sees. */
export function shownText(blocks: readonly Block[]): string {
  return blocks.map((block) => (block.kind === 'code' ? block.text : inlineText(block.children))).join('\n')
}

function inlineText(nodes: readonly Inline[]): string {
  return nodes.map((node) => ('children' in node ? inlineText(node.children) : node.text)).join('')
}

/** Formatting may go on over lines, but not over what only a line's beginning makes. */
function linesOf(text: string): readonly Block[] {
  if (text === '') return []
  const blocks: Block[] = []
  let open: string[] = []
  const close = (): void => {
    if (open.length > 0) blocks.push({ kind: 'line', children: parseInline(open.join('\n')) })
    open = []
  }
  for (const line of text.split('\n')) {
    const found = LINES.flatMap(([pattern, kind]) => {
      const inner = pattern.exec(line)?.[1]
      return inner === undefined ? [] : [{ kind, children: parseInline(inner) }]
    })[0]
    if (found === undefined) open.push(line)
    else {
      close()
      blocks.push(found)
    }
  }
  close()
  return blocks
}

function isEscaped(text: string, at: number): boolean {
  return (/\\*$/.exec(text.slice(0, at))?.[0].length ?? 0) % 2 === 1
}
