import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { DOCS } from './paths.js'

const SITE = join(DOCS, '.vitepress/dist')

/** The demo is a site of its own, with its own tests. */
const isPage = (path: string) => path.endsWith('.html') && !path.startsWith('demo/')

/**
 * Reads the built site as a browser would: every link ends at a page and its heading, and nothing is loaded from
 * another host.
 *
 * @returns A sentence for each thing that is wrong.
 */
export async function checkSite(): Promise<string[]> {
  const paths = (await readdir(SITE, { recursive: true })).filter(isPage)
  const pages = new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(SITE, path), 'utf8')] as const)),
  )
  const ids = new Map(Array.from(pages, ([path, html]) => [path, idsOf(html)]))
  return Array.from(pages, ([path, html]) => [
    ...deadLinks(path, html, ids),
    ...foreignFiles(path, html),
  ]).flat()
}

function* deadLinks(
  path: string,
  html: string,
  ids: ReadonlyMap<string, ReadonlySet<string>>,
): Iterable<string> {
  for (const [, href = ''] of html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)) {
    if (/^[a-z][a-z+.-]*:/i.test(href)) continue
    const [address = '', id] = decodeURIComponent(href).replaceAll('&amp;', '&').split('#')
    const target = address === '' ? path : fileOf(address, path)
    const there = ids.get(target)
    if (there === undefined && !existsSync(join(SITE, target))) yield `${path}: ${href} leads to no page`
    else if (id !== undefined && id !== '' && there?.has(id) === false)
      yield `${path}: ${href} leads to no heading`
  }
}

function* foreignFiles(path: string, html: string): Iterable<string> {
  for (const [, , address = ''] of html.matchAll(
    /<(script|link|img|iframe|source|video)\b[^>]*?\s(?:src|href)="([^"]*)"/g,
  )) {
    if (/^(?:https?:)?\/\//.test(address)) yield `${path}: loads ${address}`
  }
}

function idsOf(html: string): ReadonlySet<string> {
  return new Set(Array.from(html.matchAll(/\sid="([^"]*)"/g), ([, id]) => id?.replaceAll('&amp;', '&') ?? ''))
}

/** The file that a static server gives for an address. */
function fileOf(address: string, from: string): string {
  const absolute =
    posix.resolve(posix.dirname(`/${from}`), address).slice(1) + (address.endsWith('/') ? '/' : '')
  if (absolute === '' || absolute === '/') return 'index.html'
  if (absolute.endsWith('/')) return `${absolute}index.html`
  return posix.extname(absolute) === '' || !existsSync(join(SITE, absolute)) ? `${absolute}.html` : absolute
}
