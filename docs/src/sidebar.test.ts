import { readdir } from 'node:fs/promises'
import type { DefaultTheme } from 'vitepress'
import { expect, test } from 'vitest'
import { GUIDE } from '../.vitepress/sidebar.js'
import { DOCS } from './paths.js'

/** Pages that are reached otherwise: the front page, and records that `decisions/` lists. */
const ELSEWHERE = /^(index|decisions\/.*|(packages|reference|node_modules|samples-\w+)\/.*)\.md$/

test('every page is in the sidebar, and nothing else', async () => {
  const files = await readdir(DOCS, { recursive: true })
  const pages = files.filter((path) => path.endsWith('.md') && !ELSEWHERE.test(path) && !path.startsWith('.'))
  const listed = linksOf(GUIDE).filter((link) => !link.endsWith('/'))
  expect(listed.toSorted()).toEqual(pages.map((path) => `/${path.slice(0, -'.md'.length)}`).toSorted())
})

function linksOf(items: readonly DefaultTheme.SidebarItem[]): string[] {
  return items.flatMap(({ link, items: below = [] }) => [
    ...(link === undefined ? [] : [link]),
    ...linksOf(below),
  ])
}
