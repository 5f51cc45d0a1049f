import { posix } from 'node:path'

/** The READMEs of these folders are pages of the site, `packages/NAME`. */
const README_FOLDER = /^(?:packages|apps)\/([^/]+)(?:\/README\.md)?$/

/** Where a page's text lies in the repository: of the pages below `packages/` it is a package's README. */
export function sourceOf(page: string, apps: ReadonlySet<string>): string {
  const name = /^packages\/([^/]+)\.md$/.exec(page)?.[1]
  if (name === undefined) return posix.join('docs', page)
  return posix.join(apps.has(name) ? 'apps' : 'packages', name, 'README.md')
}

/**
 * A link of the repository's Markdown as a link of the site.
 *
 * @param href - As it is written, relative to `source`.
 * @param source - Path of the file that has the link, from the repository's root.
 * @returns The address on the site; undefined where the site has no such page, as for files of code.
 */
export function siteLink(href: string, source: string): string | undefined {
  if (/^(?:[a-z][a-z+.-]*:|#|\/)/i.test(href)) return href
  const [path = '', anchor] = href.split('#')
  const target = posix.join(posix.dirname(source), decodeURI(path)).replace(/\/$/, '')
  const suffix = anchor === undefined ? '' : `#${anchor}`
  const readme = README_FOLDER.exec(target)?.[1]
  if (readme !== undefined) return `/packages/${readme}${suffix}`
  if (target === 'README.md') return `/${suffix}`
  if (target.startsWith('docs/'))
    return `/${target.slice('docs/'.length).replace(/(?:README)?\.md$/, '')}${suffix}`
  return undefined
}
