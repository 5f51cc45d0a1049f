import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeCheckpoint, VIDEO_ID, writeCheckpoint } from '../../test/random-checkpoint.js'
import { openCheckpoint } from './open-checkpoint.js'
import { readSentencePiece } from './sentence-piece-tokenizer.js'
import { CheckpointTokenizer } from './tokenizer.js'

const folder = new URL('../../../../tests/data/sentence-piece/', import.meta.url)
const json = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
const texts = json('texts.json') as string[]
const bytesOf = (name: string): Uint8Array => readFileSync(new URL(`${name}.model`, folder))

const open = (bytes: Uint8Array, config = {}, added?: Record<string, unknown>): CheckpointTokenizer =>
  new CheckpointTokenizer(readSentencePiece(bytes, { config, added }, undefined))
const refusal = (part: string, code = 'CHECKPOINT_INVALID'): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(part) })

describe.each(['llama', 'trimmed', 'bare'])('the model "%s"', (name) => {
  const tokenizer = open(bytesOf(name))
  const expected = json(`${name}.json`) as [untrusted: number[], trusted: number[], decoded: string][]

  test('has the reference ids of 1,000 texts, spelled by a user or by the checkpoint', () => {
    expect(expected.length).toBe(1000)
    const found = texts.map((text) => [
      tokenizer.encodeUntrusted(text),
      tokenizer.encode([{ text, trusted: true }]),
    ])
    expect(found).toEqual(expected.map(([untrusted, trusted]) => [untrusted, trusted]))
  })

  test('decodes them as the reference does', () => {
    expect(expected.map(([ids]) => tokenizer.decode(ids))).toEqual(expected.map(([, , text]) => text))
  })
})

const llama = open(bytesOf('llama'))

test('a question of any characters has no special token and comes back', () => {
  const piece = fc.oneof(
    fc.constantFrom('</s>', '<s>', '<unk>', '</', 's>', '▁', ' ', '   ', '\u0000'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (parts) => {
      const ids = llama.encodeUntrusted(parts.join(''))
      for (const id of ids) expect(id).toBeGreaterThan(2)
      const sent = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        new TextEncoder().encode(parts.join('')),
      )
      expect(llama.decode(ids)).toBe(sent.replaceAll('▁', ' '))
    }),
  )
})

test('half a surrogate pair is the replacement character', () => {
  expect(llama.encodeUntrusted('a\ud800b')).toEqual(llama.encodeUntrusted('a\ufffdb'))
})

test('characters whose bytes are spread over tokens are whole, and every stray byte is replaced', () => {
  const ids = [...Buffer.from('é漢😀')].map((byte) => 3 + byte)
  expect(llama.decode(ids)).toBe('é漢😀')
  expect(llama.decode(ids.slice(0, -1))).toBe('é漢\ufffd\ufffd\ufffd')
  expect(llama.decode([3 + 0x80, ...ids.slice(0, 2), 3 + 0xff])).toBe('\ufffdé\ufffd')
})

test('text of 200,000 equal characters ends', () => {
  const text = 'a'.repeat(200_000)
  expect(llama.decode(llama.encodeUntrusted(text))).toBe(text)
})

test('what stands around a text is what tokenizer_config.json says', () => {
  const both = open(bytesOf('llama'), { add_eos_token: true })
  expect(both.frame).toEqual({ prefix: [1], suffix: [2] })
  expect(open(bytesOf('llama'), { add_bos_token: false }).frame).toEqual({ prefix: [], suffix: [] })
  expect(() => open(bytesOf('llama'), { bos_token: '<begin>' })).toThrow(refusal('<begin>'))
})

test('a space stands after a special token unless the tokenizer is no longer the legacy one', () => {
  const prompt = [{ text: 'a</s>a', trusted: true }]
  const [first, , second] = llama.encode(prompt).slice(1)
  expect(second).toBe(first)
  const rest = open(bytesOf('llama'), { legacy: false }).encode(prompt).slice(3)
  expect(llama.decode([...rest, ...rest])).toBe('aa')
  expect(rest).not.toEqual([first])
})

test('added tokens of both files are named by trusted text only', () => {
  const decoder = { 9000: { content: '<video>', special: true }, 9001: { content: 'plain', special: false } }
  const tokenizer = open(bytesOf('llama'), { added_tokens_decoder: decoder }, { '<extra>': 9002 })
  const text = '<video>plain<extra>'
  expect(tokenizer.encode([{ text, trusted: true }])).toEqual([1, 9000, 9001, 9002])
  expect(Math.max(...tokenizer.encodeUntrusted(text))).toBeLessThan(9000)
  expect(tokenizer.decode([9000, 9001, 9002])).toBe('plain')
  expect([tokenizer.largestId, tokenizer.tokenOf(9000), tokenizer.idOf('<extra>')]).toEqual([
    9002,
    '<video>',
    9002,
  ])
  expect(() => open(bytesOf('llama'), {}, { x: -1 })).toThrow(refusal('added_tokens.json'))
  expect(() => open(bytesOf('llama'), { added_tokens_decoder: { '1e9': { content: 'x' } } })).toThrow(
    refusal('added_tokens_decoder'),
  )
})

const field = (number: number, content: readonly number[]): number[] => [
  (number << 3) | 2,
  content.length,
  ...content,
]
const text = (value: string): number[] => [...new TextEncoder().encode(value)]
const score = (value: number): number[] => [(2 << 3) | 5, ...new Uint8Array(Float32Array.of(value).buffer)]
const piece = (value: string, type = 1, rest: readonly number[] = []): number[] =>
  field(1, [...field(1, text(value)), 3 << 3, type, ...rest])
const BPE = field(2, [3 << 3, 2])
const START = [...piece('<unk>', 2), ...piece('<s>', 3), ...piece('</s>', 3)]

test('a model of three pieces is one', () => {
  expect(open(Uint8Array.from([...START, ...BPE])).encodeUntrusted('zz')).toEqual([0])
})

test('a folder without tokenizer.json is opened by its tokenizer.model', async () => {
  const { folder, remove } = await writeCheckpoint(makeCheckpoint())
  try {
    await rm(join(folder, 'tokenizer.json'))
    await expect(openCheckpoint(folder)).rejects.toThrow(
      refusal('neither tokenizer.json nor tokenizer.model', 'CHECKPOINT_UNSUPPORTED'),
    )
    const letters = [...'▁abcdUSER:?'].flatMap((letter) => piece(letter))
    const model = Uint8Array.from([...START, ...piece('<video>', 4), ...letters, ...BPE])
    await writeFile(join(folder, 'tokenizer.model'), model)
    const checkpoint = await openCheckpoint(folder)
    const { before, after } = checkpoint.encodeQuestion('<video></s>a')
    await checkpoint.close()
    expect(before.slice(0, 3)).toEqual([1, 4, 9])
    for (const id of after) expect([1, 2, VIDEO_ID]).not.toContain(id)
    await writeFile(join(folder, 'tokenizer.model'), model.subarray(0, -1))
    await expect(openCheckpoint(folder)).rejects.toThrow(refusal('tokenizer.model'))
  } finally {
    await remove()
  }
})

describe('a hostile file is refused by name', () => {
  test.each<[string, number[], string, string?]>([
    ['nothing', [], 'no trainer_spec'],
    ['a unigram model', [...START, ...field(2, [3 << 3, 1])], 'unigram', 'CHECKPOINT_UNSUPPORTED'],
    ['a length beyond the file', [...START, 10, 0xff, 0xff, 0x7f, 1], 'reaches beyond the end'],
    ['a length of 2^64 - 1', [10, ...Array(9).fill(0xff), 1], 'reaches beyond the end'],
    ['a number without end', [10, ...Array(11).fill(0xff)], 'more than 64 bits'],
    ['a number that is cut off', [10, 0xff], 'cut off'],
    ['an unknown wire type', [(1 << 3) | 3], 'wire type 3'],
    ['field number 0', [0, 0], 'field number 0'],
    ['a piece that is a number', [1 << 3, 1], 'pieces'],
    ['an empty piece', field(1, []), 'piece 0 has no text'],
    ['a piece that is not UTF-8', field(1, field(1, [0xff])), 'piece 0 is not UTF-8'],
    ['a score that is no number', piece('a', 1, score(Number.NaN)), 'piece 0 has score NaN'],
    ['an endless score', piece('a', 1, score(Number.POSITIVE_INFINITY)), 'piece 0 has score Infinity'],
    ['a piece of type 9', piece('a', 9), 'type 9'],
    ['a piece that is not used', piece('a', 5), 'unused', 'CHECKPOINT_UNSUPPORTED'],
    ['a piece that is there twice', [...START, ...piece('a'), ...piece('a'), ...BPE], 'pieces 3 and 4'],
    ['no unknown piece', [...piece('a'), ...BPE], '0 pieces of type unknown'],
    ['two unknown pieces', [...START, ...piece('b', 2), ...BPE], '2 pieces of type unknown'],
    ['bytes that are missing', [...START, ...field(2, [3 << 3, 2, 0x98, 2, 1])], '0 byte pieces'],
    ['a byte piece that names no byte', [...START, ...piece('<0xZZ>', 6), ...BPE], '<0xZZ>'],
    [
      'a normalisation table',
      [...START, ...BPE, ...field(3, [...field(1, text('nmt_nfkc')), ...field(2, [1])])],
      'nmt_nfkc',
      'CHECKPOINT_UNSUPPORTED',
    ],
  ])('%s', (_, bytes, part, code) => {
    expect(() => open(Uint8Array.from(bytes))).toThrow(refusal(part, code))
  })

  test('more pieces than any vocabulary has', () => {
    const one = piece('a')
    const many = new Uint8Array(one.length * ((1 << 20) + 1))
    for (let start = 0; start < many.length; start += one.length) many.set(one, start)
    expect(() => open(many)).toThrow(refusal('more than 1048576 pieces'))
  })

  test('any damage is a typed refusal or another tokenizer', () => {
    const whole = bytesOf('bare')
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(whole.length), (changes, end) => {
        const bytes = Uint8Array.from(whole.subarray(0, end))
        for (const [place, value] of changes) if (place < end) bytes[place] = value
        try {
          open(bytes).encodeUntrusted('what is it?')
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^CHECKPOINT_(INVALID|UNSUPPORTED)$/)
        }
      }),
    )
  })
})
