import { type Block, type Inline, parseMarkdown } from '@longtake/discord-stand-in'

/** Names that mentions are shown with, by id. */
export type Names = ReadonlyMap<string, string>

const TAGS = { bold: 'strong', italic: 'em', underline: 'u', strike: 's', spoiler: 'mark' } as const

/** A message's text as HTML. */
export function contentHtml(text: string, names: Names): string {
  return parseMarkdown(text)
    .map((block) => blockHtml(block, names))
    .join('')
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function blockHtml(block: Block, names: Names): string {
  if (block.kind === 'code') return `<pre>${escapeHtml(block.text)}</pre>`
  const inner = block.children.map((node) => inlineHtml(node, names)).join('')
  return `<div class="block ${block.kind}">${inner}</div>`
}

function inlineHtml(node: Inline, names: Names): string {
  if (node.kind === 'text') return escapeHtml(node.text)
  if (node.kind === 'code') return `<code>${escapeHtml(node.text)}</code>`
  if (node.kind === 'mention') return `<span class="mention">${escapeHtml(nameOf(node.text, names))}</span>`
  const inner = node.children.map((child) => inlineHtml(child, names)).join('')
  if (node.kind === 'link') return `<a>${inner}</a>`
  return `<${TAGS[node.kind]}>${inner}</${TAGS[node.kind]}>`
}

function nameOf(mention: string, names: Names): string {
  return names.get(/\d+/.exec(mention)?.[0] ?? '') ?? mention
}
