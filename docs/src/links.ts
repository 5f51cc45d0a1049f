import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import MarkdownIt from 'markdown-it'
import { anchorOf } from './anchor.js'
import type { MarkdownFile } from './markdown-files.js'
import { ROOT } from './paths.js'

type Token = ReturnType<MarkdownIt['parse']>[number]

export interface Link {
  readonly href: string
  readonly kind: 'link' | 'image'
  /** What is read instead of a picture by who cannot see it. */
  readonly words: string
}

/** Links and pictures of a document, without those in code. */
export function findLinks({ text }: MarkdownFile): Link[] {
  return flatten(parse(text)).flatMap((token): Link[] => {
    const [name, kind] = token.type === 'image' ? (['src', 'image'] as const) : (['href', 'link'] as const)
    const href = token.attrGet(name)
    return href === null ? [] : [{ href, kind, words: token.content }]
  })
}

/** Anchors of a document's headings, as GitHub makes them of their text. */
export function findAnchors(text: string): ReadonlySet<string> {
  const tokens = parse(text)
  const anchors = new Set<string>()
  tokens.forEach((token, index) => {
    if (token.type !== 'heading_open') return
    const words = (tokens[index + 1]?.children ?? []).map(({ content }) => content).join('')
    const anchor = anchorOf(words)
    let unique = anchor
    for (let times = 1; anchors.has(unique); times++) unique = `${anchor}-${times}`
    anchors.add(unique)
  })
  return anchors
}

/** What is wrong with a link of `file`; undefined if nothing is. No network is used. */
export function linkProblem(
  { href, kind, words }: Link,
  file: MarkdownFile,
  files: ReadonlyMap<string, string>,
): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(href)) return externalProblem(href)
  const [path = '', anchor] = decodeURI(href).split('#')
  const target = path === '' ? file.path : posix.join(posix.dirname(file.path), path)
  if (target.startsWith('..') || !existsSync(join(ROOT, target))) return 'leads to no file'
  if (kind === 'image') return words === '' ? 'says nothing to who cannot see it' : undefined
  if (anchor === undefined) return undefined
  const page = files.get(target) ?? files.get(posix.join(target, 'README.md'))
  if (page === undefined) return 'has an anchor into something that is no document'
  return findAnchors(page).has(anchor) ? undefined : `has no heading “${anchor}” at its end`
}

function externalProblem(href: string): string | undefined {
  if (!URL.canParse(href)) return 'is no address'
  const url = new URL(href)
  if (url.protocol !== 'https:') return 'is not https:'
  return url.username === '' && url.hostname.includes('.') ? undefined : 'has no host of the internet'
}

function parse(text: string): Token[] {
  return new MarkdownIt({ html: true }).parse(text, {})
}

function flatten(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token) => [token, ...flatten(token.children ?? [])])
}
