import fc from 'fast-check'
import { Tokenizer as Reference } from 'tokenizers'
import { describe, expect, test } from 'vitest'
import { oddTexts } from '../../test/odd-texts.js'
import { llamaTokenizer, PUBLISHED, type PublishedTokenizer } from '../../test/published-tokenizers.js'
import { CheckpointTokenizer } from './tokenizer.js'
import { readTokenizerJson } from './tokenizer-json.js'

const TEXTS = oddTexts(1000)
/** Any text, look-alikes of special tokens among it; what the reference cannot be asked for is what no text has. */
const anyText = (specials: readonly string[]) =>
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.string({ unit: 'grapheme', maxLength: 6 }),
        fc.constantFrom(...specials, ...specials.flatMap((token) => [token.slice(0, -1), token.slice(1)])),
        fc.constantFrom(' ', '  ', '\n', '▁', '\u0085', '\ufeff', '\ud800', '<0x0A>', 'ΟΔΟΣ'),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('').replace(YOUNG, ''))

/** Which characters are letters depends on the version of Unicode: planes that still grow, and what is not assigned. */
const YOUNG = /\p{Cn}|[\u{10000}-\u{1D3FF}\u{1D800}-\u{1EFFF}\u{1FB00}-\u{1FFFF}\u{2A6E0}-\u{EFFFF}]/gu

interface Pair {
  readonly ours: CheckpointTokenizer
  /** Ids of a prompt without the tokens around it, and of a text in which no special token can be named. */
  readonly trusted: (text: string) => Promise<readonly number[]>
  readonly untrusted: (text: string) => Promise<readonly number[]>
}

function pairOf({ json, config, specials }: PublishedTokenizer): Pair {
  const hide = (token: { id: number; content: string }) =>
    specials.includes(token.content) ? { ...token, content: `\u{F0000}${token.id}` } : token
  const added = (json.added_tokens as { id: number; content: string }[]).map(hide)
  const [full, bare] = [json, { ...json, added_tokens: added }].map((content) =>
    Reference.fromString(JSON.stringify(content)),
  )
  const idsOf = (reference: Reference | undefined) => async (text: string) =>
    (await reference?.encode(text, null, { addSpecialTokens: false }))?.getIds() ?? []
  return {
    ours: new CheckpointTokenizer(readTokenizerJson(json, config)),
    trusted: idsOf(full),
    untrusted: idsOf(bare),
  }
}

/** A prompt's ids without what stands around it. */
function bareIds(ours: CheckpointTokenizer, text: string): readonly number[] {
  const { prefix, suffix } = ours.frame
  const ids = ours.encode([{ text, trusted: true }])
  return ids.slice(prefix.length, ids.length - suffix.length)
}

/** The reference also finds special tokens that only normalised text spells; a prompt of a checkpoint spells them right. */
const isNormalised = (text: string): boolean => text.includes('<|STARTOFTEXT|>')

describe.each(Object.entries(PUBLISHED))('%s', (_, make) => {
  const published = make()
  const { ours, trusted, untrusted } = pairOf(published)

  test('1,000 texts become the ids of the reference, as prompts and as questions', async () => {
    const [begin] = ours.frame.prefix
    for (const text of TEXTS) {
      expect(ours.encodeUntrusted(text), JSON.stringify(text)).toEqual(await untrusted(text))
      if (isNormalised(text)) continue
      const ids = await trusted(text)
      // A prompt that begins with the first token is not given another.
      const expected = begin !== undefined && ids[0] === begin ? ids.slice(1) : ids
      expect(bareIds(ours, text), JSON.stringify(text)).toEqual(expected)
    }
  })

  test('any text becomes the ids of the reference', async () => {
    await fc.assert(
      fc.asyncProperty(anyText(published.specials), async (text) => {
        expect(ours.encodeUntrusted(text)).toEqual(await untrusted(text))
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  test('a question never becomes a special token, wherever it stands', () => {
    const special = new Set(published.specials.map((token) => ours.idOf(token)))
    const { prefix, suffix } = ours.frame
    fc.assert(
      fc.property(anyText(published.specials), (text) => {
        const ids = ours.encode([
          { text: 'USER: what', trusted: true },
          { text, trusted: false },
          { text: ' ASSISTANT:', trusted: true },
        ])
        const inside = ids.slice(prefix.length, ids.length - suffix.length)
        expect(inside.filter((id) => special.has(id))).toEqual([])
        expect(ours.encodeUntrusted(text).filter((id) => special.has(id))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

test.each(['Llama, a space by the normalizer', 'Qwen2', 'Llama 3', 'GPT-2'])(
  '%s gives a text back',
  (name) => {
    const published = PUBLISHED[name]?.() ?? llamaTokenizer()
    const { ours } = pairOf(published)
    // What these tokenizers lose by design: the mark of a space, and other spellings of one character.
    const kept = (text: string): string =>
      name.startsWith('Llama,') ? text.replaceAll('▁', ' ') : name === 'Qwen2' ? text.normalize('NFC') : text
    fc.assert(
      fc.property(anyText(published.specials), (text) => {
        const whole = text.replace(/\p{Surrogate}/gu, '\ufffd')
        expect(ours.decode(ours.encodeUntrusted(text))).toBe(kept(whole))
      }),
      { numRuns: 300 },
    )
  },
)

test('a token that ends answers cannot be named by a question, though its file does not call it special', () => {
  const { json, config } = PUBLISHED.Qwen2?.() ?? llamaTokenizer()
  const added = (json.added_tokens as { id: number; content: string }[]).map((token) => ({
    ...token,
    special: false,
  }))
  const end = added.find(({ content }) => content === '<|im_start|>')?.id ?? -1
  const plain = new CheckpointTokenizer(
    readTokenizerJson({ ...json, added_tokens: added }, config, undefined, [end]),
  )
  expect(plain.encodeUntrusted('a<|im_start|>b')).not.toContain(end)
  expect(plain.encode([{ text: 'a<|im_start|>b', trusted: true }])).toContain(end)
})

test('a character that no token is for does not become the end token, though that is what stands for it', () => {
  const { json, config, specials } = PUBLISHED.CLIP?.() ?? llamaTokenizer()
  const model = json.model as { vocab: Record<string, number> }
  const vocab = Object.fromEntries(Object.entries(model.vocab).filter(([token]) => !token.startsWith('Ġ')))
  delete vocab['x</w>']
  const ours = new CheckpointTokenizer(readTokenizerJson({ ...json, model: { ...model, vocab } }, config))
  expect(ours.encodeUntrusted('a x b')).toEqual(['a</w>', 'b</w>'].map((token) => ours.idOf(token)))
  expect(ours.encodeUntrusted('a x b')).not.toContain(ours.idOf(specials[1] ?? ''))
})
