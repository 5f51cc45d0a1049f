import { expect } from 'vitest'

/** Elements that have no end. */
const VOID = new Set(['meta', 'img', 'input', 'link', 'br', 'hr'])

/**
 * Checks that a page is well-formed, refers to nothing but itself, forbids all else, and carries no script. The
 * checker is strict: attributes must be quoted, tags balanced, and text may hold no bare `<`.
 */
export function checkPage(page: string): void {
  expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true)
  expect(page).toMatch(
    /<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; [^"]+">/,
  )
  // What a style sheet holds is no markup.
  const style = /<style>([^<]*)<\/style>/.exec(page)?.[1] ?? ''
  expect(style).not.toMatch(/@import|expression|url\((?!data:image\/png;base64,)/)
  const tags = page.replace(/<style>[^<]*<\/style>/, '').slice('<!doctype html>\n'.length)
  const open: string[] = []
  const ids = new Set<string>()
  const targets: string[] = []
  const rest = tags.replace(
    /<(\/?)([a-z0-9]+)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/g,
    (_, end, name, attributes, closed) => {
      if (end === '/') expect(open.pop()).toBe(name)
      else if (closed !== '/' && !VOID.has(name)) open.push(name)
      for (const [, key = '', value = ''] of attributes.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)) {
        expect(key).not.toMatch(/^on/)
        if (key === 'src') expect(value).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/)
        if (key === 'href') expect(value).toMatch(/^#f\d+$/)
        if (key === 'href') targets.push(value.slice(1))
        if (key === 'id') {
          expect(ids.has(value), `${value} twice`).toBe(false)
          ids.add(value)
        }
      }
      expect(name).not.toMatch(/^(script|iframe|object|embed|link|base|form)$/)
      return ''
    },
  )
  expect(open).toEqual([])
  expect(rest).not.toMatch(/[<>]/)
  for (const target of targets) expect(ids).toContain(target)
  expect(page).not.toMatch(/https?:\/\//)
}
