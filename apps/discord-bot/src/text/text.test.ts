import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMoment, momentLink, parseMoment } from './moments.js'
import { plainText, safeLine, safeText } from './safe-text.js'
import { splitText } from './split-text.js'

/** What Discord would show of text in which every sign of Markdown is escaped. */
function shown(text: string): string {
  return text.replace(/\\([^\da-z\s])/gi, '$1').replaceAll('\u200b', '')
}

const tricky = fc.array(
  fc.constantFrom(
    '@everyone',
    '<@123>',
    '</ask:1>',
    '[a](b)',
    '```',
    '`',
    '\\',
    '\n',
    '# ',
    '-# ',
    '> ',
    '||',
    '*',
    '_',
    '~~',
    'https://a.b/c_d',
    'discord.gg/x',
    '1. ',
    '- ',
    'word',
    ' ',
    '\u202e',
    '\u200d',
    '\u0301',
    '😀',
    'é',
  ),
  { maxLength: 60 },
)

test('hostile text shows what it says and does nothing', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['@everyone @here', '@\u200beveryone @\u200bhere'],
    [
      '<@1> <@&2> <#3> </ask:4> <:a:5> <t:6>',
      '\\<@\u200b1\\> \\<@\u200b&2\\> \\<\\#3\\> \\</ask:4\\> \\<:a:5\\> \\<t:6\\>',
    ],
    ['[bank](https://evil.example)', '\\[bank\\]\\(https\\://evil.example\\)'],
    ['```\ncode\n```', '\\`\\`\\`\ncode\n\\`\\`\\`'],
    ['# Title\n-# small\n> quote\n1. one', '\\# Title\n\\-\\# small\n\\> quote\n1\\. one'],
    ['Discord.gg/abc discordapp.com/invite/x', 'Discord\\.gg/abc discordapp\\.com/invite/x'],
    ['a\u202eb\u2066c\u200bd\u{e0041}e\u0000f\r\ng', 'abcdef\ng'],
    ['e\u0301\u0301\u0301\u0301\u0301\u0301', 'é\u0301\u0301\u0301'.normalize('NFD')],
    ['\u200d\u200d\u200d👩\u200d💻', '👩\u200d💻'],
    ['\ud800 half', 'half'],
    ['a\n\n\n\n\nb', 'a\n\nb'],
  ]
  for (const [text, safe] of cases) expect(safeText(text, 1000)).toBe(safe)
})

test('what is shown of safe text is the plain text, whatever it is', () => {
  fc.assert(
    fc.property(tricky, (parts) => {
      const text = parts.join('')
      const safe = safeText(text, 500)
      expect(shown(safe)).toBe(plainText(text, 500))
      expect(safe).not.toMatch(/@(?:everyone|here|&|!|\d)/)
      expect(safe.replace(/\\./gs, '')).not.toMatch(/[`*~|[\]<>#]/)
      expect(safe).not.toMatch(/https?:\/\//)
    }),
  )
})

test('a flood is cut at a whole character, and looked at no further than needed', () => {
  expect(plainText('a'.repeat(100_000), 10)).toBe('aaaaaaaaa…')
  expect(plainText(`${'a'.repeat(8)}😀😀`, 10)).toBe('aaaaaaaa…')
  expect(plainText('\u200b'.repeat(100_000), 10)).toBe('')
  expect(safeLine('a\nb\n# c', 20)).toBe('a b \\# c')
})

test('pieces are within the limit, put together the text, and cut no character and no escape', () => {
  fc.assert(
    fc.property(tricky, fc.integer({ min: 2, max: 80 }), (parts, most) => {
      const text = safeText(parts.join(''), 2000)
      const pieces = splitText(text, most)
      const dense = (it: string): string => it.replace(/\s/g, '')
      expect(dense(pieces.join(''))).toBe(dense(text))
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(most)
        expect(piece).not.toBe('')
        expect(piece).not.toMatch(/\p{Surrogate}/u)
      }
      for (const piece of pieces.slice(0, -1)) expect((/\\*$/.exec(piece)?.[0].length ?? 0) % 2).toBe(0)
    }),
  )
})

test('pieces end at sentences where there are some', () => {
  expect(splitText('One is short. Two is longer! Three?', 30)).toEqual([
    'One is short. Two is longer!',
    'Three?',
  ])
  expect(splitText('One is a line.\n\nTwo is a paragraph.', 24)).toEqual([
    'One is a line.',
    'Two is a paragraph.',
  ])
})

test('moments are read as people write them', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['90', 90],
    ['1:30', 90],
    ['1:02:03', 3723],
    ['1m30s', 90],
    ['2h', 7200],
    ['0:07.5', 7.5],
    [' 12s ', 12],
    ['', undefined],
    ['soon', undefined],
    ['1:2:3:4', undefined],
    ['-5', undefined],
  ]
  for (const [text, seconds] of cases) expect(parseMoment(text)).toBe(seconds)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 359_999 }), (seconds) => {
      expect(parseMoment(formatMoment(seconds))).toBe(seconds)
    }),
  )
})

test('moments link to where hosts can begin, and never break out of Markdown', () => {
  expect(momentLink('https://a.example/talk.mp4?x=1', 75.9)).toBe('https://a.example/talk.mp4?x=1#t=75')
  expect(momentLink('https://youtu.be/abc', 75)).toBe('https://youtu.be/abc?t=75s')
  expect(momentLink('https://vimeo.com/1', 75)).toBe('https://vimeo.com/1#t=75s')
  expect(momentLink('https://www.twitch.tv/videos/1', 3700)).toBe('https://www.twitch.tv/videos/1?t=1h1m40s')
  expect(momentLink('https://a.example/page', 75)).toBeUndefined()
  expect(momentLink('javascript:alert(1)//a.mp4', 75)).toBeUndefined()
  expect(momentLink('https://a.example/a)(>.mp4', 1)).toBe('https://a.example/a%29%28%3E.mp4#t=1')
})
