import { type Inline, parseMarkdown, shownText } from '@longtake/discord-stand-in'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostileText } from '../../test/hostile-text.js'
import { plainText, safeLine, safePiece, safeText } from './safe-text.js'
import { splitText } from './split-text.js'

const hostile = hostileText({
  userIds: ['201', '202'],
  roleIds: ['301'],
  channelIds: ['401'],
})
/** Floods are tried by the answers; here is more to gain from many short texts. */
const short = hostile.map((text) => text.slice(0, 1500))

/** What a client makes of a text beside plain lines. */
function made(text: string): readonly string[] {
  return parseMarkdown(text).flatMap((block) =>
    block.kind === 'line' ? block.children.flatMap(unlessText) : [block.kind],
  )
}

function unlessText(node: Inline): readonly string[] {
  return node.kind === 'text' ? [] : [node.kind]
}

/** Nobody sees the zero-width spaces behind at signs, of which a piece may begin with one. */
function seen(text: string): string {
  return shownText(parseMarkdown(text)).replaceAll('\u200b', '')
}

test('a client makes plain text of it, and shows every character', () => {
  fc.assert(
    fc.property(short, (text) => {
      const safe = safeText(text, 1500)
      expect(made(safe)).toEqual([])
      expect(seen(safe)).toBe(plainText(text, 1500))
    }),
    { numRuns: 500, seed: 11 },
  )
})

test('a quotation is one plain line', () => {
  fc.assert(
    fc.property(short, (text) => {
      const line = safeLine(text, 200)
      expect(made(line)).toEqual([])
      expect(line).not.toContain('\n')
    }),
    { numRuns: 500, seed: 12 },
  )
})

test('every piece of it is plain text as well, and all pieces show all of it', () => {
  fc.assert(
    fc.property(short, fc.integer({ min: 20, max: 400 }), (text, most) => {
      const pieces = splitText(safeText(text, 1500), most).map(safePiece)
      for (const piece of pieces) expect(made(piece)).toEqual([])
      const dense = (it: string): string => it.replace(/\s/g, '')
      expect(dense(pieces.map(seen).join(''))).toBe(dense(plainText(text, 1500)))
    }),
    { numRuns: 1000, seed: 13 },
  )
})

test('what only the beginning of a line makes is not made by a cut in front of it', () => {
  for (const sign of ['-', '+', '*', '1.', '2)', '#', '-#', '>', '>>>']) {
    const text = safeText(`Some words here ${sign} and more words`, 100)
    for (let most = 16; most < 30; most++)
      for (const piece of splitText(text, most)) expect(made(safePiece(piece)), sign).toEqual([])
  }
})
