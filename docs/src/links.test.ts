import { describe, expect, test } from 'vitest'
import { findAnchors, findLinks, linkProblem } from './links.js'
import { readMarkdownFiles } from './markdown-files.js'

const documents = await readMarkdownFiles()
const texts = new Map(documents.map(({ path, text }) => [path, text]))

test.each(documents)('$path: every link and picture leads somewhere', (document) => {
  const problems = findLinks(document).flatMap((link) => {
    const problem = linkProblem(link, document, texts)
    return problem === undefined ? [] : [`${link.href} ${problem}`]
  })
  expect(problems).toEqual([])
})

describe('what is found', () => {
  const file = { path: 'docs/page.md', text: '' }
  test.each([
    ['../README.md', undefined],
    ['gone.md', 'leads to no file'],
    ['../../outside.md', 'leads to no file'],
    ['quality.md#results', undefined],
    ['quality.md#resultz', 'has no heading “resultz” at its end'],
    ['https://example.com/a', undefined],
    ['http://example.com/a', 'is not https:'],
    ['https://', 'is no address'],
  ])('%s', (href, problem) => {
    expect(linkProblem({ href, kind: 'link', words: '' }, file, texts)).toBe(problem)
  })

  test('a picture without words', () => {
    const picture = { href: 'images/page.png', kind: 'image', words: '' } as const
    expect(linkProblem(picture, file, texts)).toBe('says nothing to who cannot see it')
    expect(linkProblem({ ...picture, words: 'The page' }, file, texts)).toBeUndefined()
  })

  test('links in code are none, and headings of the same text are counted', () => {
    expect(findLinks({ path: '', text: '`[a](b)` [c](d) ![e](f)\n\n    [g](h)\n' })).toEqual([
      { href: 'd', kind: 'link', words: '' },
      { href: 'f', kind: 'image', words: 'e' },
    ])
    const anchors = findAnchors('# One\n## One\n## The `API` under load: `load`\n')
    expect([...anchors]).toEqual(['one', 'one-1', 'the-api-under-load-load'])
  })
})
