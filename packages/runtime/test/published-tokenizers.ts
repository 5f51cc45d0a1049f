/** Small tokenizers in the layouts that published checkpoints have, trained here on a few lines of text. */

type Json = Record<string, unknown>

export interface PublishedTokenizer {
  /** `tokenizer.json`. */
  readonly json: Json
  /** `tokenizer_config.json`. */
  readonly config: Json
  /** Contents of its special tokens. */
  readonly specials: readonly string[]
}

const CORPUS = `What is the colour of the first square? The second person opens the door before the video ends.
USER: what happens in the video ASSISTANT: It's a red frame, they're blue; we'll see 1 2 3 10 42 2024 things.
Straße café naïve ÀÉÎ Größe élan Ελληνικά ΣΟΦΟΣ σοφός Привет мир שלום עולם مرحبا بالعالم हिन्दी भाषा ไทย
视频里有什么 这是什么颜色 これは動画です カタカナ 한국어 비디오 😀 😀 👨‍👩‍👧 🇯🇵 function() { return x_1; }
    indented   text with   runs of spaces   and 	tabs 	 
I'm you've don't she'd they'll it's IT'S   ...   !!! ??? ---   ▁▁▁ ▁a aaaa aaaaaaaa`
const SPECIAL = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
const QWEN_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const LLAMA_3_PATTERN = QWEN_PATTERN.replace('|\\p{N}|', '|\\p{N}{1,3}|')
const CLIP_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"

/** Llama's, converted from SentencePiece: bytes as fallback, a space in front, `<s>` before every text. */
export function llamaTokenizer(
  scheme: 'prepend' | 'first' | 'always' | 'words' = 'prepend',
): PublishedTokenizer {
  const text = `▁${CORPUS.replaceAll(' ', '▁').replaceAll('\n', '▁')}`
  const words = text.match(/▁*[^▁]+/gu) ?? []
  const letters = [...new Set(text)].filter((letter) => (letter.codePointAt(0) ?? 0) < 0x3000)
  const bytes = Array.from({ length: 256 }, (_, byte) => byteName(byte))
  const model = trainPairs(
    words.map((word) => [...word]),
    ['<unk>', '<s>', '</s>', ...bytes, ...letters],
  )
  const added = ['<unk>', '<s>', '</s>', '<image>', '<video>', '<pad>']
  for (const token of added) model.vocab[token] ??= Object.keys(model.vocab).length
  const metaspace = { type: 'Metaspace', replacement: '▁' }
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  return {
    specials: added,
    config: {
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      pad_token: '<pad>',
      clean_up_tokenization_spaces: false,
    },
    json: {
      ...HEAD,
      added_tokens: added.map((content) => ({ id: model.vocab[content], content, ...SPECIAL })),
      normalizer:
        scheme === 'prepend'
          ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, replace] }
          : null,
      pre_tokenizer:
        scheme === 'prepend'
          ? null
          : scheme === 'words'
            ? { ...metaspace, prepend_scheme: 'always', split: true }
            : { ...metaspace, prepend_scheme: scheme, split: false },
      post_processor: template('<s>', model.vocab['<s>']),
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: { ...BPE, unk_token: '<unk>', fuse_unk: true, byte_fallback: true, ...model },
    },
  }
}

const HEAD = { version: '1.0', truncation: null, padding: null }
const BPE = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
}

/** Those of byte-level BPE: Qwen2's and Llama 3's patterns, or GPT-2's own. */
export function byteTokenizer(kind: 'qwen2' | 'llama3' | 'gpt2' = 'qwen2'): PublishedTokenizer {
  const pieces = CORPUS.match(/'\w+| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+/gu) ?? []
  const model = trainPairs(pieces.map(toLetters), [...BYTE_LETTERS])
  const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<image>', '<video>']
  const added = [...specials, '<tool_call>']
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: kind === 'gpt2' }
  const first = Object.keys(model.vocab).length
  const ids = Object.fromEntries(added.map((content, index) => [content, first + index]))
  const pattern = { Regex: kind === 'llama3' ? LLAMA_3_PATTERN : QWEN_PATTERN }
  const split = { type: 'Split', pattern, behavior: 'Isolated', invert: false }
  return {
    specials,
    config: {
      bos_token: null,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      clean_up_tokenization_spaces: false,
    },
    json: {
      ...HEAD,
      added_tokens: added.map((content) => ({
        ...{ id: ids[content], content, ...SPECIAL, special: content !== '<tool_call>' },
        // Published placeholders take the spaces around them.
        ...(content === '<video>' && { lstrip: true, rstrip: true }),
      })),
      normalizer: kind === 'qwen2' ? { type: 'NFC' } : null,
      pre_tokenizer: kind === 'gpt2' ? level : { type: 'Sequence', pretokenizers: [split, level] },
      post_processor:
        kind === 'llama3'
          ? { type: 'Sequence', processors: [level, template('<|endoftext|>', ids['<|endoftext|>'])] }
          : level,
      decoder: level,
      model: { ...BPE, ignore_merges: kind === 'llama3', ...model },
    },
  }
}

/** CLIP's: lower case, words that end in `</w>`. */
export function clipTokenizer(): PublishedTokenizer {
  const pieces = CORPUS.toLowerCase().match(/'\w+|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu) ?? []
  const ends = [...BYTE_LETTERS].map((letter) => `${letter}</w>`)
  const words = pieces.map((piece) => {
    const letters = toLetters(piece)
    return [...letters.slice(0, -1), `${letters.at(-1)}</w>`]
  })
  const model = trainPairs(words, [...BYTE_LETTERS, ...ends])
  const specials = ['<|startoftext|>', '<|endoftext|>']
  for (const token of specials) model.vocab[token] = Object.keys(model.vocab).length
  const [start, end] = specials.map((token) => [token, model.vocab[token]])
  return {
    specials,
    config: {
      bos_token: '<|startoftext|>',
      eos_token: '<|endoftext|>',
      unk_token: '<|endoftext|>',
      clean_up_tokenization_spaces: false,
    },
    json: {
      ...HEAD,
      added_tokens: specials.map((content, index) => ({
        id: model.vocab[content],
        content,
        ...SPECIAL,
        normalized: index === 0,
      })),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFC' },
          { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
          { type: 'Lowercase' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: CLIP_PATTERN }, behavior: 'Removed', invert: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
        ],
      },
      post_processor: {
        type: 'RobertaProcessing',
        sep: end,
        cls: start,
        trim_offsets: false,
        add_prefix_space: false,
      },
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
      model: {
        ...BPE,
        unk_token: '<|endoftext|>',
        continuing_subword_prefix: '',
        end_of_word_suffix: '</w>',
        ...model,
      },
    },
  }
}

/** Every layout, by name. */
export const PUBLISHED: Readonly<Record<string, () => PublishedTokenizer>> = {
  'Llama, a space by the normalizer': () => llamaTokenizer('prepend'),
  'Llama, a space by the pre-tokenizer': () => llamaTokenizer('first'),
  'Llama, a space in front of every stretch': () => llamaTokenizer('always'),
  'Llama, word by word': () => llamaTokenizer('words'),
  Qwen2: () => byteTokenizer('qwen2'),
  'Llama 3': () => byteTokenizer('llama3'),
  'GPT-2': () => byteTokenizer('gpt2'),
  CLIP: () => clipTokenizer(),
}

function template(token: string, id: number | undefined): Json {
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [
      { SpecialToken: { id: token, type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
    ],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  }
}

interface Pairs {
  vocab: Record<string, number>
  merges: string[]
}

/** The pairs that stand most often side by side become tokens, one after another; of equals the first. */
function trainPairs(words: readonly (readonly string[])[], tokens: readonly string[], count = 300): Pairs {
  const vocab = new Set(tokens)
  const merges: string[] = []
  let parts = words
  while (merges.length < count) {
    const counts = new Map<string, number>()
    for (const word of parts) {
      for (const [index, part] of word.slice(0, -1).entries()) {
        const pair = `${part} ${word[index + 1]}`
        if (vocab.has(part) && vocab.has(word[index + 1] ?? '')) counts.set(pair, (counts.get(pair) ?? 0) + 1)
      }
    }
    const [best] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? []
    if (best === undefined) break
    merges.push(best)
    vocab.add(best.replace(' ', ''))
    parts = parts.map((word) => merge(word, best))
  }
  return { vocab: Object.fromEntries([...vocab].map((token, id) => [token, id])), merges }
}

function merge(word: readonly string[], pair: string): string[] {
  const merged: string[] = []
  for (const part of word) {
    const last = merged.at(-1)
    if (last !== undefined && `${last} ${part}` === pair) merged[merged.length - 1] = last + part
    else merged.push(part)
  }
  return merged
}

function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}

/** The printable letter of each byte, as GPT-2 has them. */
const BYTE_LETTERS: readonly string[] = (() => {
  let spare = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
    return String.fromCharCode(printable ? byte : spare++)
  })
})()

function toLetters(text: string): string[] {
  return Array.from(new TextEncoder().encode(text), (byte) => BYTE_LETTERS[byte] ?? '')
}
