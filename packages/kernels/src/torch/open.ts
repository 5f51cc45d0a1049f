import { portableCrc32 } from '../crc32.js'
import {
  BYTES_PER_ELEMENT,
  byteCount,
  readExactly,
  type StoredTensor,
  StoredTensors,
} from '../stored-tensors.js'
import type { RandomAccess, TensorSource } from '../tensor-source.js'
import { readPickle } from './pickle.js'
import { kindOf, ofKind, type PickleTensor } from './pickle-values.js'
import { malformed, refused, shown } from './refuse.js'
import { storedOrder, toRowMajor } from './strides.js'
import { readZip, type ZipEntry } from './zip.js'

/** Longest pickle that is read, bytes; that of a shard of a 7B checkpoint has under 100 KB. */
const MAX_PICKLE_BYTES = 8 * 1024 * 1024
/** Largest tensor that is put into row-major order, bytes: it is held twice meanwhile. */
const MAX_ARRANGED_BYTES = 2 ** 30

type Archive = ReadonlyMap<string, ZipEntry>

/**
 * Opens a checkpoint in the form that `torch.save` writes since torch 1.6 (a zip archive): one file, or all its shards in any
 * order. It must hold a state dict: names and tensors, nothing else. Reads the directory and the pickle now, without executing
 * anything, and each tensor when it is asked for; several reads may run at once.
 *
 * @param files - The file or the shards; kept as long as the source is used.
 * @throws {CheckpointError} CHECKPOINT_UNSUPPORTED for other kinds of file, and for opcodes, globals and views of
 *   tensors that are not read, by name; CHECKPOINT_INVALID for a file that is damaged or contradicts itself, and if two
 *   shards have the same tensor.
 */
export async function openTorch(files: readonly RandomAccess[]): Promise<TensorSource> {
  const tensors = new Map<string, StoredTensor>()
  for (const file of files) {
    for (const [name, tensor] of await readStateDict(file)) {
      const other = tensors.get(name)
      if (other) throw malformed(file.name, `it and ${other.file.name} both have the tensor ${shown(name)}`)
      tensors.set(name, tensor)
    }
  }
  return new StoredTensors(tensors)
}

async function readStateDict(file: RandomAccess): Promise<Map<string, StoredTensor>> {
  await refuseOtherKinds(file)
  const archive = await readZip(file)
  const folder = archiveFolder(archive, file.name)
  await checkByteOrder(file, archive.get(`${folder}byteorder`))
  const root = readPickle(await readPickleBytes(file, archive, folder), file.name)
  const entries = ofKind(root, 'dict')?.entries
  if (!entries) throw refused(file.name, `it holds a ${kindOf(root)}, not a state dict of tensors`)
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of entries) {
    const tensor = ofKind(value, 'tensor')
    if (!tensor || typeof name !== 'string') {
      throw refused(
        file.name,
        `${shown(name)} is a ${kindOf(value)}; only a flat state dict of tensors is read`,
      )
    }
    tensors.set(name, locate(file, name, tensor, archive.get(`${folder}data/${tensor.storage.key}`)))
  }
  return tensors
}

/** Tells what a file is that is no zip archive, so that nobody searches for damage. */
async function refuseOtherKinds(file: RandomAccess): Promise<void> {
  const length = Math.min(file.size, 512)
  const head = await readExactly(file, 0, length, 'CHECKPOINT_INVALID', 'its beginning')
  if (head[0] === 0x50 && head[1] === 0x4b) return
  const text = (start: number, end: number) => String.fromCharCode(...head.subarray(start, end))
  if (head[0] === 0x80)
    throw refused(file.name, 'it is a pickle without an archive, as torch wrote before 1.6')
  if (text(257, 262) === 'ustar')
    throw refused(file.name, 'it is a tar archive, as torch wrote before 0.1.10')
  if (text(0, 7) === 'version') {
    throw malformed(file.name, 'it is a pointer of Git LFS, the file itself was not downloaded')
  }
  throw malformed(file.name, 'it is no zip archive, so torch did not write it')
}

/** The one folder that torch puts everything into, with its slash; its name is that of the saved file. */
function archiveFolder(archive: Archive, file: string): string {
  const [first = ''] = archive.keys()
  const folder = first.slice(0, first.indexOf('/') + 1)
  if (folder === '' || !archive.has(`${folder}data.pkl`))
    throw malformed(file, 'it has no data.pkl, so torch did not write it')
  for (const name of archive.keys()) {
    if (!name.startsWith(folder))
      throw malformed(file, `${shown(name)} lies outside its folder ${shown(folder)}`)
  }
  if (archive.has(`${folder}constants.pkl`))
    throw refused(file, 'it is a TorchScript program, not a state dict')
  return folder
}

async function checkByteOrder(file: RandomAccess, entry: ZipEntry | undefined): Promise<void> {
  if (!entry) return
  const bytes = await readExactly(
    file,
    entry.offset,
    Math.min(entry.size, 16),
    'CHECKPOINT_INVALID',
    'its byte order',
  )
  if (String.fromCharCode(...bytes) !== 'little')
    throw refused(file.name, 'its numbers are not little-endian')
}

async function readPickleBytes(file: RandomAccess, archive: Archive, folder: string): Promise<Uint8Array> {
  const entry = archive.get(`${folder}data.pkl`)
  if (!entry || entry.size > MAX_PICKLE_BYTES) {
    throw refused(file.name, `data.pkl has ${entry?.size} bytes; at most ${MAX_PICKLE_BYTES} are read`)
  }
  const bytes = await readExactly(file, entry.offset, entry.size, 'CHECKPOINT_INVALID', 'data.pkl')
  if (portableCrc32(bytes) !== entry.crc32) throw malformed(file.name, 'data.pkl does not match its checksum')
  return bytes
}

/** Checks that a tensor lies within its storage, and that its storage is as long as it says. */
function locate(
  file: RandomAccess,
  name: string,
  tensor: PickleTensor,
  entry: ZipEntry | undefined,
): StoredTensor {
  const { storage, shape, strides, offset } = tensor
  const { dtype, key, elements } = storage
  const what = `tensor ${shown(name)} of shape ${shown(shape)}`
  const elementBytes = BYTES_PER_ELEMENT[dtype]
  if (!entry) throw malformed(file.name, `the storage ${shown(key)} of ${what} is missing`)
  if (elements * elementBytes !== entry.size) {
    throw malformed(
      file.name,
      `the storage of ${what} has ${entry.size} bytes, not those of ${elements} ${dtype}`,
    )
  }
  const order = storedOrder(shape, strides)
  if (!order) {
    throw refused(file.name, `${what} is a view with strides ${shown(strides)}, with overlaps or gaps`)
  }
  const bytes = byteCount(shape, elementBytes)
  // Refuses NaN too.
  if (!(offset * elementBytes + bytes <= entry.size)) {
    throw malformed(file.name, `${what} at ${offset} reaches beyond its storage`)
  }
  const stored = { dtype, shape, bytes, file, offset: entry.offset + offset * elementBytes }
  if (order.length === shape.length && order.every((dimension, i) => dimension === i)) return stored
  if (bytes > MAX_ARRANGED_BYTES) throw refused(file.name, `${what} is transposed and has ${bytes} bytes`)
  return { ...stored, arrange: (from) => toRowMajor(from, shape, strides, elementBytes) }
}
