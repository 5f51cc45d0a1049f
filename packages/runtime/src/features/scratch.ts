import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteStore } from './byte-store.js'
import { ChainStore, type OpenStore } from './chain-store.js'
import { EntryWriter } from './entry-writer.js'
import { writeFailure } from './error.js'
import { fileStore } from './file-store.js'
import { placeLayout } from './layout.js'
import { memoryStore } from './memory-store.js'
import { forget, removeOnExit } from './removed-on-exit.js'
import type { FeatureLayout, FeatureWriter } from './types.js'

/** Features without a cache stay in memory up to here: 28 frames of 576 patches of 1,024 floats. */
const MAX_SCRATCH_MEMORY_BYTES = 64 * 2 ** 20

/** Where features go that no cache keeps: memory, and beyond its limit a temporary file. */
export const SCRATCH_STORES: readonly OpenStore[] = [
  async () => memoryStore(MAX_SCRATCH_MEMORY_BYTES),
  openTemporaryStore,
]

/**
 * Keeps features for as long as writer and reader live: in memory up to `MAX_SCRATCH_MEMORY_BYTES`, beyond it in a
 * file of the system's temporary folder that nobody else can open and that is gone when closed or when the process ends.
 *
 * @throws {InvalidOptionError} If the layout cannot be used.
 */
export async function createScratch(layout: FeatureLayout): Promise<FeatureWriter> {
  const placed = placeLayout(layout)
  return new EntryWriter(placed, await ChainStore.open(SCRATCH_STORES))
}

async function openTemporaryStore(): Promise<ByteStore> {
  const path = join(tmpdir(), `longtake-${process.pid}-${randomBytes(8).toString('hex')}.scratch`)
  try {
    const handle = await open(path, 'wx+', 0o600)
    const store = fileStore(handle, `The temporary file ${path}`)
    // Where the system lets an open file lose its name, nothing can be left behind, however the process ends.
    const isGone = await rm(path).then(
      () => true,
      () => false,
    )
    return isGone ? store : removedWhenClosed(store, path)
  } catch (cause) {
    throw writeFailure(`The temporary file ${path}`, cause)
  }
}

function removedWhenClosed(store: ByteStore, path: string): ByteStore {
  removeOnExit(path)
  return {
    ...store,
    async close() {
      await store.close()
      await rm(path, { force: true }).catch(() => {})
      forget(path)
    },
  }
}
