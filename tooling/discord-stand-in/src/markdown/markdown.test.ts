import { expect, test } from 'vitest'
import { parseMarkdown, shownText } from './markdown.js'
import type { Inline, TextBlock } from './nodes.js'

const line = (...children: readonly Inline[]): TextBlock => ({ kind: 'line', children })
const text = (it: string) => ({ kind: 'text' as const, text: it })

test('formatting, links and mentions are found as clients find them', () => {
  expect(parseMarkdown('**ada** asked: `a*b`')).toEqual([
    line({ kind: 'bold', children: [text('ada')] }, text(' asked: '), { kind: 'code', text: 'a*b' }),
  ])
  expect(parseMarkdown('[bank](<https://evil.example/a>)')).toEqual([
    line({ kind: 'link', url: 'https://evil.example/a', isMasked: true, children: [text('bank')] }),
  ])
  for (const mention of ['@everyone', '<@1>', '<@&2>', '<#3>', '</ask:4>', '<a:b:5>', '<t:6:R>'])
    expect(parseMarkdown(`x ${mention}`)).toEqual([line(text('x '), { kind: 'mention', text: mention })])
  for (const url of ['https://a.example/b', 'discord.gg/abc', 'Discord.com/invite/abc'])
    expect(parseMarkdown(url)).toEqual([line({ kind: 'link', url, isMasked: false, children: [text(url)] })])
  expect(parseMarkdown('# a\n-# b\n> c\n- d\n1. e\nf').map(({ kind }) => kind)).toEqual([
    'heading',
    'small',
    'quote',
    'item',
    'item',
    'line',
  ])
  expect(parseMarkdown('a\n```js\nb()\n```\nc')).toEqual([
    line(text('a\n')),
    { kind: 'code', text: 'b()' },
    line(text('\nc')),
  ])
})

test('what is escaped is text', () => {
  const source =
    '\\*a\\* \\[b\\]\\(https\\://c.example\\) \\<@\u200b1\\> \\`\\`\\`d\\`\\`\\` e\\_f discord\\.gg/g'
  const blocks = parseMarkdown(source)
  expect(blocks).toEqual([line(text('*a* [b](https://c.example) <@\u200b1> ```d``` e_f discord.gg/g'))])
  expect(shownText(blocks)).toContain('e_f')
  expect(parseMarkdown('\\# a\n\\- b\n1\\. c').map(({ kind }) => kind)).toEqual(['line'])
})
