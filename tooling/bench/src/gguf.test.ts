import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GgufTensor, type GgufValue, writeGguf } from './gguf.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Reads little-endian values one after the other, as the specification lists them. */
class Reader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  u32 = () => this.#bytes.readUInt32LE(this.#skip(4))
  i32 = () => this.#bytes.readInt32LE(this.#skip(4))
  f32 = () => this.#bytes.readFloatLE(this.#skip(4))
  u64 = () => Number(this.#bytes.readBigUInt64LE(this.#skip(8)))
  bool = () => this.#bytes.readUInt8(this.#skip(1)) === 1
  text = () => {
    const length = this.u64()
    const start = this.#skip(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  /** Where the next `size` bytes begin. */
  #skip(size: number): number {
    this.at += size
    return this.at - size
  }

  value(type = this.u32()): unknown {
    if (type === 9) {
      const item = this.u32()
      return Array.from({ length: this.u64() }, () => this.value(item))
    }
    const readers: Record<number, () => unknown> = {
      4: this.u32,
      5: this.i32,
      6: this.f32,
      7: this.bool,
      8: this.text,
    }
    return readers[type]!()
  }
}

const METADATA: Record<string, GgufValue> = {
  'general.architecture': { type: 'string', value: 'größe' },
  count: { type: 'uint32', value: 4_000_000_000 },
  negative: { type: 'int32', value: -3 },
  epsilon: { type: 'float32', value: 0.5 },
  flag: { type: 'bool', value: true },
  words: { type: 'strings', value: ['a', '', '日本'] },
  kinds: { type: 'int32s', value: [1, -1] },
}

test('header, names, sizes and data lie where the specification says', async () => {
  const ones = Uint8Array.from({ length: 12 }, () => 7)
  const blocks = Uint8Array.from({ length: 4 * 18 }, (_, index) => index)
  const tensors: GgufTensor[] = [
    { name: 'small', type: 'f32', shape: [3], bytes: () => ones },
    { name: 'matrix', type: 'q4_0', shape: [2, 64], bytes: () => blocks },
  ]
  const path = join(folder, 'a.gguf')
  await writeGguf(path, METADATA, tensors)
  const bytes = await readFile(path)
  expect(bytes.toString('latin1', 0, 4)).toBe('GGUF')
  const reader = new Reader(bytes)
  reader.at = 4
  expect([reader.u32(), reader.u64(), reader.u64()]).toEqual([3, 2, 7])
  const found = Object.fromEntries(Array.from({ length: 7 }, () => [reader.text(), reader.value()]))
  expect(found).toEqual(Object.fromEntries(Object.entries(METADATA).map(([key, { value }]) => [key, value])))
  const infos = Array.from({ length: 2 }, () => ({
    name: reader.text(),
    dims: Array.from({ length: reader.u32() }, () => reader.u64()),
    type: reader.u32(),
    offset: reader.u64(),
  }))
  expect(infos).toEqual([
    { name: 'small', dims: [3], type: 0, offset: 0 },
    { name: 'matrix', dims: [64, 2], type: 2, offset: 32 },
  ])
  const data = Math.ceil(reader.at / 32) * 32
  expect([...bytes.subarray(data, data + 12)]).toEqual([...ones])
  expect([...bytes.subarray(data + 32, data + 32 + blocks.length)]).toEqual([...blocks])
  expect(bytes.length % 32).toBe(0)
})

test('refuses a tensor whose bytes do not fill its shape, by name', async () => {
  const tensor: GgufTensor = { name: 'bad', type: 'q4_0', shape: [1, 64], bytes: () => new Uint8Array(18) }
  await expect(writeGguf(join(folder, 'b.gguf'), {}, [tensor])).rejects.toThrow(/^bad: 18 bytes/)
})
