import type { MarkdownRenderer } from 'vitepress'
import { siteLink, sourceOf } from '../src/site-links.js'

/** Packages whose folder is in `apps/`. */
const APPS: ReadonlySet<string> = new Set(['edge-api', 'discord-bot'])

type Token = ReturnType<MarkdownRenderer['parse']>[number]

/** What Markdown that was written for the repository needs to be pages of the site. */
export function adaptToSite(md: MarkdownRenderer): void {
  md.core.ruler.push('repository to site', ({ tokens, env }) => {
    const page: string | undefined = env.relativePath
    if (page === undefined || page.startsWith('reference/')) return
    const source = sourceOf(page, APPS)
    for (const token of tokens) {
      // Indented blocks get the frame and the scrolling of fenced ones.
      if (token.type === 'code_block') Object.assign(token, { type: 'fence', info: 'txt' })
      rewriteLinks(token.children ?? [], source)
    }
  })
}

/** Links lead to pages of the site; those to files that it has not become text. */
function rewriteLinks(tokens: readonly Token[], source: string): void {
  let isDropped = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const link = siteLink(token.attrGet('href') ?? '', source)
      isDropped = link === undefined
      if (link !== undefined) token.attrSet('href', link)
    }
    if (isDropped && token.type === 'link_open')
      Object.assign(token, { type: 'span_open', tag: 'span', attrs: null })
    if (isDropped && token.type === 'link_close') Object.assign(token, { type: 'span_close', tag: 'span' })
  }
}
