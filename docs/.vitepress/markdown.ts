import type { MarkdownRenderer } from 'vitepress'
import { siteLink, sourceOf } from '../src/site-links.js'

/** Packages whose folder is in `apps/`. */
const APPS: ReadonlySet<string> = new Set(['edge-api', 'discord-bot'])

type Token = ReturnType<MarkdownRenderer['parse']>[number]

/** Links as they are written for the repository lead to pages of the site; those to files that it has not become text. */
export function linkWithinSite(md: MarkdownRenderer): void {
  md.core.ruler.push('links within the site', (state) => {
    const page: string | undefined = state.env.relativePath
    if (page === undefined || page.startsWith('reference/')) return
    const source = sourceOf(page, APPS)
    for (const block of state.tokens) rewrite(block.children ?? [], source)
  })
}

function rewrite(tokens: Token[], source: string): void {
  let dropped = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const link = siteLink(token.attrGet('href') ?? '', source)
      dropped = link === undefined
      if (link !== undefined) token.attrSet('href', link)
    }
    if (dropped && token.type.startsWith('link_')) {
      token.tag = 'span'
      token.attrs = null
      token.type = token.type === 'link_open' ? 'span_open' : 'span_close'
      dropped = token.type === 'span_open'
    }
  }
}
