import type { Inline } from './nodes.js'

type Found = readonly [length: number, node: Inline]
type Rule = (rest: string, before: string) => Found | undefined

/** `[text](address)`, where the address may stand in angle brackets and have a title. */
const MASKED =
  /^\[((?:\\.|[^\\[\]]|\[(?:\\.|[^\\[\]])*\])+)\]\(\s*(<[^\s>]+>|(?:\\.|[^\s()\\]|\([^\s()]*\))+)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/s
const ADDRESS = /^https?:\/\/[^\s<]+[^<.,:;"'\]\s)]/i
const MENTION =
  /^(?:<(?:@[!&]?\d+|#\d+|\/[^<>:]+:\d+|a?:\w+:\d+|t:-?\d+(?::[a-z])?|id:\w+)>|@(?:everyone|here)(?!\w))/i
/** Invitations are found without a scheme, too. */
const INVITE = /^(?:discord\.gg|discord(?:app)?\.com\/invite)\/[\w-]+/i

/**
 * The rules in the order in which they are tried. https://docs.discord.com/developers/reference#message-formatting,
 * https://support.discord.com/hc/en-us/articles/210298617
 */
const RULES: readonly Rule[] = [
  escaped,
  (rest) => match(/^(`+)([^`]|[^`].*?[^`])\1(?!`)/s, rest, ([, , text = '']) => ({ kind: 'code', text })),
  (rest) => match(MENTION, rest, ([text]) => ({ kind: 'mention', text })),
  (rest) => match(MASKED, rest, masked),
  (rest) => match(/^<(https?:\/\/[^\s>]+)>/i, rest, ([, url = '']) => plainLink(url)),
  (rest) => match(ADDRESS, rest, ([url]) => plainLink(url)),
  (rest, before) => (/[\w.-]$/.test(before) ? undefined : match(INVITE, rest, ([url]) => plainLink(url))),
  wrapped(/^\*\*((?:\\.|[^\\])+?)\*\*(?!\*)/s, 'bold'),
  wrapped(/^__((?:\\.|[^\\])+?)__(?!_)/s, 'underline'),
  wrapped(/^~~((?:\\.|[^\\])+?)~~/s, 'strike'),
  wrapped(/^\|\|((?:\\.|[^\\])+?)\|\|/s, 'spoiler'),
  wrapped(/^\*(?=\S)((?:\\.|\*\*|[^\\*])+?)\*(?!\*)/s, 'italic'),
  wrapped(/^_((?:\\.|__|[^\\_])+?)_(?!\w)/s, 'italic'),
]

/** @param text - Without code blocks. */
export function parseInline(text: string): readonly Inline[] {
  const nodes: Inline[] = []
  let plain = ''
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const found = firstOf(rest, text.slice(0, at))
    const [length, node]: Found = found ?? [1, { kind: 'text', text: text.charAt(at) }]
    at += length
    if (node.kind === 'text') {
      plain += node.text
      continue
    }
    if (plain !== '') nodes.push({ kind: 'text', text: plain })
    plain = ''
    nodes.push(node)
  }
  return plain === '' ? nodes : [...nodes, { kind: 'text', text: plain }]
}

function firstOf(rest: string, before: string): Found | undefined {
  // Nothing begins with a letter but addresses and invitations.
  if (/^[^\\`*_~|<@[hd]/i.test(rest)) return undefined
  for (const rule of RULES) {
    const found = rule(rest, before)
    if (found !== undefined) return found
  }
  return undefined
}

function escaped(rest: string): Found | undefined {
  return match(/^\\([^0-9A-Za-z\s])/s, rest, ([, text = '']) => ({ kind: 'text', text }))
}

function masked([, text = '', address = '']: RegExpExecArray): Inline {
  const url = address.replace(/^<(.*)>$/s, '$1')
  return { kind: 'link', url, isMasked: url !== text, children: parseInline(text) }
}

function plainLink(url: string): Inline {
  return { kind: 'link', url, isMasked: false, children: [{ kind: 'text', text: url }] }
}

function wrapped(pattern: RegExp, kind: 'bold' | 'italic' | 'underline' | 'strike' | 'spoiler'): Rule {
  return (rest) => match(pattern, rest, ([, text = '']) => ({ kind, children: parseInline(text) }))
}

function match(pattern: RegExp, rest: string, node: (found: RegExpExecArray) => Inline): Found | undefined {
  const found = pattern.exec(rest)
  return found === null ? undefined : [found[0].length, node(found)]
}
