import { createHash } from 'node:crypto'
import type { FileRange } from '../checkpoint/checkpoint-files.js'
import type { Layout } from './layout.js'

/** Changes when the same weights would be laid out or rounded in another way. */
const FORMAT = 1

/** Blocks that are read of each file: a checkpoint is too large to be read whole at every start. */
const SAMPLES = 32
const SAMPLE_BYTES = 256 * 1024

/**
 * Names the weights that a checkpoint becomes: SHA-256 over what is made of which tensors, and over each file's size,
 * time of its last change and blocks spread over it.
 *
 * @returns 32 hex digits.
 */
export async function buildKey(files: readonly FileRange[], layout: Layout): Promise<string> {
  const hash = createHash('sha256')
  const parts = [...layout.parts.values()].map(({ name, dims, offset }) => [name, dims, offset])
  hash.update(JSON.stringify({ FORMAT, parts }))
  for (const file of files) {
    hash.update(JSON.stringify([file.name, file.size, file.modifiedMs]))
    for (const [start, end] of samples(file.size)) hash.update(await file.read(start, end - start))
  }
  return hash.digest('hex').slice(0, 32)
}

/** Ranges spread evenly over a file, its first and last bytes among them; all of it where it is small. */
function samples(size: number): [number, number][] {
  if (size <= SAMPLES * SAMPLE_BYTES) return [[0, size]]
  const step = (size - SAMPLE_BYTES) / (SAMPLES - 1)
  return Array.from({ length: SAMPLES }, (_, index) => {
    const start = Math.floor(index * step)
    return [start, start + SAMPLE_BYTES]
  })
}
