import { ChainStore } from './chain-store.js'
import { EntryWriter } from './entry-writer.js'
import { placeLayout } from './layout.js'
import { memoryStore } from './memory-store.js'
import type { FeatureLayout, FeatureWriter } from './types.js'

/**
 * Keeps features in memory alone, for as long as writer and reader live.
 *
 * @param limitBytes - Most bytes of one video; writing more fails with `full`.
 * @throws {InvalidOptionError} If the layout cannot be used.
 */
export async function createMemoryScratch(layout: FeatureLayout, limitBytes: number): Promise<FeatureWriter> {
  const placed = placeLayout(layout)
  return new EntryWriter(placed, await ChainStore.open([async () => memoryStore(limitBytes)]))
}
