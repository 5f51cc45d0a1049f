import { readFile } from 'node:fs/promises'
import { isLongtakeError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../../test/safetensors-file.js'
import {
  bytesOf,
  type MadeEntry,
  makeArchive,
  makeZip,
  openBytes,
  type PickledTensor,
  type Piece,
  pickledTensor,
  stateDict,
  text,
} from '../../test/torch-file.js'

const HEAD = bytesOf(0x80, 2)
/** A hundred thousand times LONG_BINPUT, each to a slot of its own. */
const SLOTS = Uint8Array.from({ length: 500_000 }, (_, i) =>
  i % 5 === 0 ? 0x72 : (Math.floor(i / 5) >> (8 * ((i % 5) - 1))) & 255,
)
const INVALID = 'CHECKPOINT_INVALID'
const UNSUPPORTED = 'CHECKPOINT_UNSUPPORTED'
const pickle = (...pieces: readonly Piece[]) => bytesOf(HEAD, ...pieces)
const call = (name: string, argument: string) => pickle(`c${name}\n`, text(argument), 0x85, 'R.')

describe('pickles', () => {
  test.each<[string, Uint8Array, string, RegExp]>([
    ['os.system', call('os\nsystem', 'echo x'), UNSUPPORTED, /"os\.system"/],
    ['posix.system', call('posix\nsystem', 'echo x'), UNSUPPORTED, /"posix\.system"/],
    ['eval', call('builtins\neval', '1'), UNSUPPORTED, /"builtins\.eval"/],
    ['eval by the stack', pickle(text('builtins'), text('eval'), 0x93, '.'), UNSUPPORTED, /"builtins\.eval"/],
    ['a name of every object', call('torch\nconstructor', 'x'), UNSUPPORTED, /"torch\.constructor"/],
    [
      'a global that is cut into dots',
      call('torch._utils._rebuild\ntensor_v2', 'x'),
      UNSUPPORTED,
      /asks for/,
    ],
    ['INST', pickle('(ios\nsystem\n.'), UNSUPPORTED, /0x69 \(INST\)/],
    ['OBJ', pickle('(o.'), UNSUPPORTED, /\(OBJ\)/],
    ['NEWOBJ', pickle(')', ')', 0x81, '.'), UNSUPPORTED, /0x81 \(NEWOBJ\)/],
    ['EXT1', pickle(0x82, 1, '.'), UNSUPPORTED, /\(EXT1\)/],
    ['a text of protocol 0', pickle("S'x'\n."), UNSUPPORTED, /\(STRING\)/],
    ['DUP', pickle('}2.'), UNSUPPORTED, /\(DUP\)/],
    ['LONG4', pickle(0x8b, [255, 255, 255, 127], '.'), UNSUPPORTED, /\(LONG4\)/],
    ['a byte of no protocol', pickle(0xff), UNSUPPORTED, /0xff \(of no protocol\)/],
    ['protocol 5', bytesOf(0x80, 5, '}.'), UNSUPPORTED, /protocol 5/],
    ['protocol 0', bytesOf('}.'), INVALID, /no protocol/],
    ['a number of 255 bytes', pickle(0x8a, 255, Array(255).fill(127), '.'), INVALID, /number of 255 bytes/],
    ['a number of 2^62', pickle(0x8a, 8, [0, 0, 0, 0, 0, 0, 0, 64], '.'), INVALID, /number of 8 bytes/],
    ['a text of 4 GB', pickle('X', [255, 255, 255, 255], '.'), INVALID, /cut off/],
    ['a text that is no UTF-8', pickle('X', [1, 0, 0, 0, 255], '.'), INVALID, /UTF-8/],
    ['a frame beyond the end', pickle(0x95, [0, 0, 0, 0, 0, 0, 0, 1], '.'), INVALID, /frame/],
    ['a global without an end', pickle('c', 'x'.repeat(1000)), INVALID, /without an end/],
    ['a slot never stored', pickle('j', [255, 255, 255, 255], '.'), INVALID, /recalls 4294967295/],
    ['eight million dicts', pickle('}'.repeat(8_000_000), '.'), UNSUPPORTED, /more than 1000000 opcodes/],
    ['no values', pickle('.'), INVALID, /not there/],
    ['values left over', pickle('}}.'), INVALID, /left over/],
    ['a mark left over', pickle('(}.'), INVALID, /not there|left over/],
    ['no mark', pickle('}u.'), INVALID, /mark that is not there/],
    ['a tuple from under a mark', pickle('}(', 0x85, '.'), INVALID, /not there/],
    ['bytes behind the end', pickle('}.}'), INVALID, /behind its end/],
    ['no end', pickle('}'), INVALID, /cut off/],
    ['a key without a value', pickle('}(', text('a'), 'u.'), INVALID, /without a value/],
    ['a key twice', pickle('}(', text('a'), 'N', text('a'), 'Nu.'), INVALID, /"a" twice/],
    ['a dict as key', pickle('}}Ns.'), INVALID, /key that is no text/],
    ['an item of a tuple', pickle(')', text('a'), 'Ns.'), INVALID, /no dict/],
    ['a call of a dict', pickle('})R.'), INVALID, /no function/],
    ['a call of a storage type', pickle('ctorch\nFloatStorage\n)R.'), INVALID, /torch\.FloatStorage/],
    [
      'an OrderedDict of something',
      pickle('ccollections\nOrderedDict\n}', 0x85, 'R.'),
      INVALID,
      /OrderedDict/,
    ],
    ['attributes of a global', pickle('ctorch\nFloatStorage\n}b.'), INVALID, /attributes/],
    ['a persistent id of text', pickle(text('x'), 'Q.'), INVALID, /storage in another way/],
  ])('%s', async (_, bytes, code, message) => {
    const error = await refusal(openBytes(makeArchive(bytes)))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^pytorch_model\.bin: .*at byte \d+\./)
  })

  test.each<[string, Uint8Array]>([
    ['a list in itself', pickle(']q', 0, 'h', 0, 'a.')],
    ['lists in lists', pickle(']'.repeat(200_000), 'a'.repeat(199_999), '.')],
    ['tuples of tuples that double', pickle(')', ...Array(100).fill(bytesOf('q', 0, 'h', 0, 0x86)), '.')],
    ['a hundred thousand slots', pickle(']', SLOTS, '.')],
  ])('%s is only a value that is no state dict', async (_, bytes) => {
    const error = await refusal(openBytes(makeArchive(bytes)))
    expect(error.code).toBe(UNSUPPORTED)
    expect(error.message).toMatch(/not a state dict/)
  })

  test('any bytes, and any change of a good pickle, are read or refused', async () => {
    const storages = { 0: new Uint8Array(24), 1: new Uint8Array(4) }
    const good = stateDict({
      a: { key: '0', elements: 6, shape: [2, 3], strides: [1, 2] },
      b: { key: '1', elements: 1, shape: [] },
    })
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const changed = changes.map((all) => all.reduce((bytes, [at, value]) => bytes.with(at, value), good))
    const opcodes = fc.array(
      fc.constantFrom(...'().}]sautebRQqhNJKMXc\x85\x86\x87\x88\x8a\x93\x94', '\x00', '\x01'),
    )
    const program = opcodes.map((codes) => pickle(Uint8Array.from(codes, (code) => code.charCodeAt(0))))
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, program, fc.uint8Array({ maxLength: 64 })), async (bytes) => {
        try {
          const source = await openBytes(makeArchive(bytes, storages))
          for (const name of source.names())
            expect((await source.readRaw(name)).length).toBeLessThanOrEqual(24)
        } catch (error) {
          if (!isLongtakeError(error)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('tensors', () => {
  const base: PickledTensor = { key: '0', elements: 6, shape: [2, 3] }
  const data = { 0: new Uint8Array(24) }
  test.each<[string, Partial<PickledTensor>, string, RegExp]>([
    ['a storage that is missing', { key: '1' }, INVALID, /storage "1" of tensor "w" .*is missing/],
    ['a storage outside', { key: '../data.pkl' }, INVALID, /missing/],
    ['fewer elements than the storage', { elements: 5 }, INVALID, /24 bytes, not those of 5 F32/],
    ['more elements than the storage', { elements: 2 ** 31 - 1 }, INVALID, /24 bytes/],
    ['elements below 0', { elements: -1 }, INVALID, /storage in another way/],
    ['another type', { type: 'DoubleStorage' }, INVALID, /not those of 6 F64/],
    ['a type that is not known', { type: 'ComplexFloatStorage' }, UNSUPPORTED, /torch\.ComplexFloatStorage/],
    ['an offset below 0', { offset: -1 }, INVALID, /_rebuild_tensor_v2/],
    ['an offset at the end', { offset: 1 }, INVALID, /reaches beyond its storage/],
    ['a size below 0', { shape: [-2, -3] }, INVALID, /_rebuild_tensor_v2/],
    ['a shape beyond the storage', { shape: [3, 3] }, INVALID, /\[3,3\] at 0 reaches beyond/],
    ['a shape that overflows', { shape: [2 ** 31 - 1, 2 ** 31 - 1] }, INVALID, /beyond/],
    [
      'one that overflows beside a 0',
      { shape: [0, 2 ** 31 - 1, 2 ** 31 - 1, 9], strides: [1, 1, 1, 1] },
      INVALID,
      /beyond/,
    ],
    ['a stride too few', { strides: [1] }, INVALID, /_rebuild_tensor_v2/],
    ['strides below 0', { strides: [-3, 1] }, INVALID, /_rebuild_tensor_v2/],
    ['strides of 0', { strides: [0, 0] }, UNSUPPORTED, /overlaps or gaps/],
    ['strides with gaps', { shape: [2], strides: [3] }, UNSUPPORTED, /overlaps or gaps/],
    ['65 dimensions', { shape: Array(65).fill(1) }, INVALID, /_rebuild_tensor_v2/],
  ])('%s', async (_, change, code, message) => {
    const bytes = makeArchive(stateDict({ w: { ...base, ...change } }), data)
    const error = await refusal(openBytes(bytes))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(error.message).toContain('pytorch_model.bin')
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['a number', pickle('}', text('step'), 'K', 3, 's.'), /"step" is a number/],
    ['None', pickle('}', text('x'), 'Ns.'), /"x" is a None/],
    ['a tensor named by a number', pickle('}K', 1, pickledTensor(base), 's.'), /1 is a tensor/],
  ])('%s is no entry of a flat state dict', async (_, bytes, message) => {
    expect((await refusal(openBytes(makeArchive(bytes, data)))).message).toMatch(message)
  })

  test('attributes of a state dict are dropped', async () => {
    const dict = pickle(
      'ccollections\nOrderedDict\n)R(',
      text('w'),
      pickledTensor(base),
      'u}',
      text('_metadata'),
      '}sb.',
    )
    expect([...(await openBytes(makeArchive(dict, data))).names()]).toEqual(['w'])
  })
})

describe('archives', () => {
  const entry = (name: string, more: Partial<MadeEntry> = {}): MadeEntry => ({
    name,
    content: bytesOf(HEAD, '}.'),
    ...more,
  })
  const root = entry('a/data.pkl')
  test.each<[string, Uint8Array, string, RegExp]>([
    ['nothing', new Uint8Array(0), INVALID, /no zip archive/],
    ['other bytes', new Uint8Array(600).fill(65), INVALID, /no zip archive/],
    ['a pointer of Git LFS', bytesOf('version https://git-lfs.github.com/spec/v1\n'), INVALID, /Git LFS/],
    [
      'tar',
      new Uint8Array(512).fill(1).with(257, 117).with(258, 115).with(259, 116).with(260, 97).with(261, 114),
      UNSUPPORTED,
      /tar/,
    ],
    ['only the magic number', bytesOf('PK\x03\x04'), INVALID, /too few/],
    ['a pickle of 9 MB', makeArchive(new Uint8Array(9_000_000)), UNSUPPORTED, /9000000 bytes/],
    ['a comment at the end', bytesOf(makeZip([root]), 'x'), INVALID, /does not end/],
    ['bytes before the first entry', bytesOf('PK', makeZip([root])), INVALID, /directory/],
    ['no entries', bytesOf('PK\x05\x06', Array(18).fill(0)), INVALID, /no data\.pkl/],
    [
      'a compressed entry',
      makeZip([entry('a/data.pkl', { method: 8 })]),
      UNSUPPORTED,
      /"a\/data\.pkl" is compressed/,
    ],
    [
      'an encrypted entry',
      makeZip([entry('a/data.pkl', { flags: 1 })]),
      UNSUPPORTED,
      /"a\/data\.pkl" is encrypted/,
    ],
    ['an entry twice', makeZip([root, root]), INVALID, /"a\/data\.pkl" twice/],
    ['entries that overlap', makeZip([root, entry('a/version', { localOffset: 1 })]), INVALID, /overlaps/],
    [
      'an entry at another',
      makeZip([root, entry('a/version', { localOffset: 0 })]),
      INVALID,
      /overlaps|differs/,
    ],
    ['an entry beyond', makeZip([root, entry('a/b', { size: 1000 })]), INVALID, /beyond/],
    ['an entry of 4 GB', makeZip([root, entry('a/b', { size: 2 ** 32 - 2 })]), INVALID, /beyond/],
    [
      'zip64 sizes that are not there',
      makeZip([root, entry('a/b', { size: 2 ** 32 - 1 })]),
      INVALID,
      /zip64/,
    ],
    ['a wrong checksum', makeZip([entry('a/data.pkl', { crc: 1 })]), INVALID, /checksum/],
    ['two folders', makeZip([root, entry('b/data.pkl')]), INVALID, /"b\/data\.pkl" lies outside/],
    ['no folder', makeZip([entry('data.pkl')]), INVALID, /no data\.pkl/],
    [
      'big-endian numbers',
      makeZip([root, entry('a/byteorder', { content: bytesOf('big') })]),
      UNSUPPORTED,
      /little-endian/,
    ],
    ['a program', makeZip([root, entry('a/constants.pkl')]), UNSUPPORTED, /TorchScript/],
  ])('%s', async (_, bytes, code, message) => {
    const error = await refusal(openBytes(bytes))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
  })

  test('sizes and places of 64 bits are read, and checked as the others are', async () => {
    const pickle64 = entry('a/data.pkl', { zip64: {} })
    expect([...(await openBytes(makeZip([pickle64]))).names()]).toEqual([])
    for (const zip64 of [
      { size: 2n ** 40n },
      { size: 2n ** 63n },
      { localOffset: 2n ** 40n },
      { localOffset: 1n },
    ]) {
      const error = await refusal(openBytes(makeZip([pickle64, entry('a/b', { zip64 })])))
      expect([error.code, error.message]).toEqual([INVALID, expect.stringMatching(/beyond|zip64|overlaps/)])
    }
  })

  test('zip64 records that torch wrote and somebody changed are refused', async () => {
    const good = new Uint8Array(
      await readFile(new URL('../../../../tests/data/torch/gaps.bin', import.meta.url)),
    )
    const record = good.length - 98
    for (const at of [0, 4, 16, 20, 24, 32, 40, 48, 56 + 8]) {
      const error = await refusal(openBytes(good.with(record + at, (good[record + at] ?? 0) ^ 0x10)))
      expect([error.code, error.message]).toEqual([
        INVALID,
        expect.stringMatching(/zip64|does not lie|differ/),
      ])
    }
  })
})
