import { mkdir, open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InvalidOptionError } from '@longtake/core'
import { Random } from './world/random.js'

/**
 * Values of the block that weights are cut from: the largest prime below 2¹⁶ for small checkpoints, below 2²³ for
 * others. A prime, so that the rows of a matrix of any width each start at another value.
 */
const BLOCK_VALUES = { small: 65_521, large: 8_388_593 } as const
const SMALL_BYTES = 2 ** 24
const VALUE_BYTES = 2
/** What checkpoints are initialised with before training; keeps activations near 1 at these widths. */
const DEVIATION = 0.02
/** 1 in bfloat16. */
const ONE = 0x3f80
const ONES_VALUES = 1 << 16
/** Left on the disk beside the checkpoint. */
const SPARE_BYTES = 2 ** 30

/** A checkpoint that is written with random weights in bfloat16. */
export interface RandomCheckpoint {
  /** Text or bytes of every other file by its path in the folder. */
  readonly files: ReadonlyMap<string, string | Uint8Array>
  /** Shapes by name, in the order of writing. Vectors named `….weight` are norms and get ones. */
  readonly tensors: ReadonlyMap<string, readonly number[]>
  /** Rows that are all 0, by tensor: the head's row of an end token, so that answers have their full length. */
  readonly zeroRows: ReadonlyMap<string, number>
  /** Most bytes of tensors in one file. */
  readonly shardBytes: number
}

export interface WrittenCheckpoint {
  /** Of all tensors. */
  readonly weightBytes: number
  /** Shards that were there already and complete. */
  readonly reusedShards: number
  readonly shards: number
}

/**
 * Writes a checkpoint folder in a stream, the same at every call; shards that are there and complete are kept.
 *
 * The process stays below 200 MB at any size: weights are slices of one block of normally distributed numbers, from another
 * place for each tensor.
 *
 * @throws {InvalidOptionError} If the disk has no room for what is missing.
 */
export async function writeRandomCheckpoint(
  folder: string,
  checkpoint: RandomCheckpoint,
  note: (text: string) => void = () => {},
): Promise<WrittenCheckpoint> {
  await mkdir(folder, { recursive: true })
  const shards = planShards(checkpoint)
  const missing: Shard[] = []
  for (const shard of shards) if (!(await isComplete(folder, shard))) missing.push(shard)
  await requireSpace(folder, missing)
  const weightBytes = shards.reduce((sum, { tensors }) => sum + sumOf(tensors), 0)
  const length = BLOCK_VALUES[weightBytes < SMALL_BYTES ? 'small' : 'large']
  const block = randomBlock(missing.length === 0 ? 0 : length)
  for (const shard of missing) {
    note(`writing ${shard.file}, ${(shard.bytes / 1e9).toFixed(2)} GB`)
    await writeShard(folder, shard, block, checkpoint.zeroRows)
  }
  const map = shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file] as const))
  const index = { metadata: { total_size: weightBytes }, weight_map: Object.fromEntries(map) }
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index))
  for (const [path, content] of checkpoint.files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return { weightBytes, reusedShards: shards.length - missing.length, shards: shards.length }
}

interface PlacedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly bytes: number
  /** Place among all tensors of the checkpoint. */
  readonly index: number
}

interface Shard {
  readonly file: string
  /** What stands before the tensors. */
  readonly header: Uint8Array
  readonly tensors: readonly PlacedTensor[]
  /** Of the whole file. */
  readonly bytes: number
}

/** Fills one file after the other, in order. */
function planShards({ tensors, shardBytes }: RandomCheckpoint): Shard[] {
  const groups: PlacedTensor[][] = []
  let filled = Number.POSITIVE_INFINITY
  for (const [index, [name, shape]] of [...tensors].entries()) {
    const bytes = shape.reduce((product, size) => product * size, VALUE_BYTES)
    if (filled + bytes > shardBytes) {
      groups.push([])
      filled = 0
    }
    filled += bytes
    groups.at(-1)?.push({ name, shape, bytes, index })
  }
  const number = (value: number): string => String(value).padStart(5, '0')
  return groups.map((group, at) => {
    const header = headerOf(group)
    const file = `model-${number(at + 1)}-of-${number(groups.length)}.safetensors`
    return { file, header, tensors: group, bytes: header.length + sumOf(group) }
  })
}

/** The safetensors format: length of the header, then the header in JSON, padded to 8 bytes. */
function headerOf(tensors: readonly PlacedTensor[]): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  let start = 0
  for (const { name, shape, bytes } of tensors) {
    entries[name] = { dtype: 'BF16', shape, data_offsets: [start, start + bytes] }
    start += bytes
  }
  const text = JSON.stringify(entries)
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json])
}

/** A file gets its name only when it has been written, so size and header tell that it is the one wanted. */
async function isComplete(folder: string, { file, header, bytes }: Shard): Promise<boolean> {
  const path = join(folder, file)
  const found = await stat(path).catch(() => undefined)
  if (found?.size !== bytes) return false
  const handle = await open(path)
  try {
    const { buffer } = await handle.read(Buffer.alloc(header.length), 0, header.length, 0)
    return buffer.equals(header)
  } finally {
    await handle.close()
  }
}

async function requireSpace(folder: string, missing: readonly Shard[]): Promise<void> {
  const needed = missing.reduce((sum, { bytes }) => sum + bytes, 0)
  if (needed === 0) return
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= needed + SPARE_BYTES) return
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  throw new InvalidOptionError(
    '--dir',
    `a folder on a disk with ${gigabytes(needed + SPARE_BYTES)} free`,
    `${gigabytes(free)} free for ${folder}`,
  )
}

async function writeShard(
  folder: string,
  { file, header, tensors }: Shard,
  block: Uint16Array,
  zeroRows: RandomCheckpoint['zeroRows'],
): Promise<void> {
  const part = join(folder, `${file}.part`)
  const handle = await open(part, 'w')
  try {
    await handle.write(header, 0, header.length, 0)
    let position = header.length
    for (const tensor of tensors) {
      await writeTensor(handle, tensor, position, block)
      const row = zeroRows.get(tensor.name)
      if (row !== undefined) {
        const zeros = new Uint8Array(tensor.bytes / (tensor.shape[0] ?? 1))
        await handle.write(zeros, 0, zeros.length, position + row * zeros.length)
      }
      position += tensor.bytes
    }
    await handle.close()
    await rename(part, join(folder, file))
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(part, { force: true })
    throw error
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>

async function writeTensor(
  handle: FileHandle,
  { name, shape, bytes, index }: PlacedTensor,
  position: number,
  block: Uint16Array,
): Promise<void> {
  const isNorm = shape.length === 1 && name.endsWith('.weight')
  const values = isNorm ? new Uint16Array(ONES_VALUES).fill(ONE) : block
  const source = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  let from = isNorm ? 0 : (Math.imul(index, 2_654_435_761) >>> 0) % block.length
  for (let done = 0; done < bytes; from = 0) {
    const count = Math.min(source.length - from * VALUE_BYTES, bytes - done)
    await handle.write(source, from * VALUE_BYTES, count, position + done)
    done += count
  }
}

/** Normally distributed numbers in bfloat16. Source: Box and Muller, 1958. */
function randomBlock(length: number): Uint16Array {
  const random = new Random('weights')
  const single = new Float32Array(1)
  const bits = new Uint32Array(single.buffer)
  return Uint16Array.from({ length }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
    single[0] = DEVIATION * radius * Math.cos(2 * Math.PI * random.next())
    return (bits[0] ?? 0) >>> 16
  })
}

function sumOf(tensors: readonly PlacedTensor[]): number {
  return tensors.reduce((sum, { bytes }) => sum + bytes, 0)
}
