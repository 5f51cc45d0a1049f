import { isLongtakeError } from '@longtake/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { file, open, refusal, single } from '../../test/safetensors-file.js'
import { bytesAccess, openSafetensors } from './open.js'

describe('hostile headers', () => {
  const u8 = (extra: object) => single({ dtype: 'U8', shape: [1], data_offsets: [0, 1], ...extra })
  const two = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /too few/],
    ['seven bytes', new Uint8Array(7), /too few/],
    ['an empty header', file('', []), /empty/],
    ['a header beyond the file', file('{}', [], 1000n), /only 10/],
    ['a header over the limit', file('{}', [], 100_000_001n), /more than/],
    ['a length of 2^63', file('{}', [], 1n << 63n), /more than/],
    ['text that is no JSON', file('{"w":'), /not JSON/],
    ['a list', file('[1, 2]'), /not a JSON object/],
    ['a leading space', file(' {}'), /not a JSON object/],
    ['a byte order mark', file('\ufeff{}'), /not JSON/],
    ['bytes that are no UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), /UTF-8/],
    ['deep nesting', file('['.repeat(200_000)), /nested deeper/],
    ['the same tensor twice', file(`{"w":${two},"w":${two}}`, [1]), /"w" twice/],
    ['the same tensor twice, escaped', file(`{"w":${two},"\\u0077":${two}}`, [1]), /"w" twice/],
    [
      'a field twice',
      file('{"w":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', [1]),
      /"shape" twice/,
    ],
    ['a tensor named __proto__', file(`{"__proto__":${two}}`, [1]), /__proto__/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /__metadata__/],
    ['a tensor that is a number', file(single(3)), /object/],
    ['a tensor that is null', file(single(null)), /object/],
    ['an unknown type', file(u8({ dtype: 'F128' }), [1]), /unknown type "F128"/],
    ['a type inherited from Object', file(u8({ dtype: 'toString' }), [1]), /unknown type/],
    ['a negative size', file(u8({ shape: [-1] }), [1]), /shape/],
    ['a fraction as size', file(u8({ shape: [0.5] }), [1]), /shape/],
    ['a shape that is text', file(u8({ shape: '1' }), [1]), /shape/],
    ['sizes that overflow', file(u8({ shape: [2 ** 40, 2 ** 40] }), [1]), /more bytes than can be counted/],
    [
      'sizes that overflow beside a 0',
      file(u8({ shape: [0, 2 ** 40, 2 ** 40], data_offsets: [0, 0] }), [1]),
      /counted/,
    ],
    ['a size that is no exact number', file(u8({ shape: [2 ** 53] }), [1]), /shape/],
    ['a shape that needs more', file(u8({ shape: [2] }), [1]), /needs 2 bytes/],
    ['a type that needs more', file(u8({ dtype: 'F32' }), [1]), /needs 4 bytes/],
    ['no offsets', file(single({ dtype: 'U8', shape: [1] }), [1]), /data_offsets/],
    ['three offsets', file(u8({ data_offsets: [0, 1, 1] }), [1]), /data_offsets/],
    ['offsets reversed', file(u8({ data_offsets: [1, 0] }), [1]), /lies at/],
    ['offsets beyond the file', file(u8({ data_offsets: [5, 6] }), [1]), /lies at/],
    ['negative offsets', file(u8({ data_offsets: [-1, 0] }), [1]), /data_offsets/],
    ['a hole before the data', file(u8({ data_offsets: [1, 2] }), [1, 2]), /belong to no tensor/],
    ['bytes after the data', file(u8({}), [1, 2]), /1 bytes at the end/],
    [
      'overlap',
      file(
        {
          a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] },
          b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] },
        },
        [1, 2, 3],
      ),
      /overlaps/,
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await refusal(open(bytes))
    expect(error.code).toBe('CHECKPOINT_INVALID')
    expect(error.message).toMatch(message)
    expect(error.message).toContain('model.safetensors')
  })

  test('a file of random bytes or with a flipped byte is read or refused, nothing else', async () => {
    const good = file(
      {
        a: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
        'b"\\': { dtype: 'I64', shape: [], data_offsets: [4, 12] },
      },
      new Uint8Array(12),
    )
    const flipped = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => good.with(at, value))
    const cut = fc.nat(good.length).map((length) => good.slice(0, length))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 64 }), flipped, cut), async (bytes) => {
        try {
          const source = await open(bytes)
          for (const name of source.names()) await source.readRaw(name)
        } catch (error) {
          expect(isLongtakeError(error)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('a file that fails or ends while it is read is an error of ours, with its cause', async () => {
    const bytes = file(u8({}), [1])
    const cause = new Error('EIO')
    const inner = bytesAccess('m', bytes)
    let fail = false
    const source = await openSafetensors([
      {
        ...inner,
        read: async (offset, length) => (fail ? Promise.reject(cause) : inner.read(offset, length)),
      },
    ])
    fail = true
    const failed = await refusal(source.readRaw('w'))
    expect([failed.code, failed.cause]).toEqual(['CHECKPOINT_TENSOR', cause])
    const short = { ...inner, size: bytes.length, read: async () => new Uint8Array(3) }
    expect((await refusal(openSafetensors([short]))).message).toContain('cut short')
  })
})
