import { crc32 } from 'node:zlib'
import { bytesAccess } from '../src/safetensors/open.js'
import { openTorch } from '../src/torch/open.js'

export const openBytes = (bytes: Uint8Array, name = 'pytorch_model.bin') =>
  openTorch([bytesAccess(name, bytes)])

/** An entry of a made zip archive; what is given beside the content contradicts it, for tests of that. */
export interface MadeEntry {
  readonly name: string
  readonly content: Uint8Array
  readonly method?: number
  readonly flags?: number
  readonly size?: number
  readonly localOffset?: number
  readonly crc?: number
  /** Sizes and place stand in the 64-bit field, as they are or as given. */
  readonly zip64?: { readonly size?: bigint; readonly localOffset?: bigint }
}

/** A zip archive of stored entries without the zip64 records, which other writers leave out. */
export function makeZip(entries: readonly MadeEntry[]): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let position = 0
  for (const { name, content, method = 0, flags = 0, size, localOffset, crc, zip64 } of entries) {
    const nameBytes = Buffer.from(name)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(flags, 6)
    local.writeUInt16LE(method, 8)
    local.writeUInt16LE(nameBytes.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(flags, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc ?? crc32(content), 16)
    const long = zip64 && longField(zip64, content.length, position)
    const shortSize = long ? 0xffffffff : (size ?? content.length)
    central.writeUInt32LE(shortSize, 20)
    central.writeUInt32LE(shortSize, 24)
    central.writeUInt16LE(nameBytes.length, 28)
    central.writeUInt16LE(long?.length ?? 0, 30)
    central.writeUInt32LE(long ? 0xffffffff : (localOffset ?? position), 42)
    directory.push(Buffer.concat([central, nameBytes, long ?? Buffer.alloc(0)]))
    const whole = Buffer.concat([local, nameBytes, content])
    parts.push(whole)
    position += whole.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(position, 16)
  return new Uint8Array(Buffer.concat([...parts, listed, end]))
}

/** The extra field of both sizes and the place. */
function longField(zip64: NonNullable<MadeEntry['zip64']>, length: number, position: number): Buffer {
  const field = Buffer.alloc(28)
  field.writeUInt16LE(1, 0)
  field.writeUInt16LE(24, 2)
  field.writeBigUInt64LE(zip64.size ?? BigInt(length), 4)
  field.writeBigUInt64LE(zip64.size ?? BigInt(length), 12)
  field.writeBigUInt64LE(zip64.localOffset ?? BigInt(position), 20)
  return field
}

/** An archive as torch lays it out, of a pickle and storages. */
export function makeArchive(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array {
  return makeZip([
    { name: 'archive/data.pkl', content: pickle },
    ...Object.entries(storages).map(([key, content]) => ({ name: `archive/data/${key}`, content })),
    { name: 'archive/version', content: Buffer.from('3\n') },
  ])
}

export type Piece = string | number | readonly number[] | Uint8Array

/** A pickle from pieces: text is written as its characters, numbers as bytes. */
export function bytesOf(...pieces: readonly Piece[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      pieces.map((piece) => {
        if (typeof piece === 'string') return Buffer.from(piece, 'latin1')
        return Buffer.from(typeof piece === 'number' ? [piece] : piece)
      }),
    ),
  )
}

/** A text of a pickle. */
export function text(value: string): Uint8Array {
  const content = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return bytesOf('X', length, content)
}

/** A whole number of 32 bits. */
function int(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytesOf('J', bytes)
}

export interface PickledTensor {
  readonly key: string
  readonly elements: number
  readonly shape: readonly number[]
  readonly strides?: readonly number[]
  readonly offset?: number
  readonly type?: string
}

/** The opcodes that leave one tensor on the stack. */
export function pickledTensor(tensor: PickledTensor): Uint8Array {
  const { key, elements, shape, offset = 0, type = 'FloatStorage' } = tensor
  const strides = tensor.strides ?? shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
  const tuple = (values: readonly number[]) => bytesOf('(', ...values.map(int), 't')
  return bytesOf(
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    text('storage'),
    `ctorch\n${type}\n`,
    text(key),
    text('cpu'),
    int(elements),
    'tQ',
    int(offset),
    tuple(shape),
    tuple(strides),
    bytesOf(0x89, 'ccollections\nOrderedDict\n)RtR'),
  )
}

/** The pickle of a state dict. */
export function stateDict(tensors: Readonly<Record<string, PickledTensor>>): Uint8Array {
  const items = Object.entries(tensors).map(([name, tensor]) => bytesOf(text(name), pickledTensor(tensor)))
  return bytesOf(0x80, 2, '}(', ...items, 'u.')
}

/** A file as `torch.save` writes a state dict of float32 tensors. */
export function toTorch(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>,
): Uint8Array {
  const storages: Record<string, Uint8Array> = {}
  // Without a prototype, so that any name can be one.
  const described: Record<string, PickledTensor> = Object.create(null)
  for (const [name, { shape, values }] of tensors) {
    const key = String(Object.keys(storages).length)
    storages[key] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    described[name] = { key, elements: values.length, shape }
  }
  return makeArchive(stateDict(described), storages)
}
