import type { Build } from '../builds/manifest.js'
import { buildWeights } from '../builds/weight-store.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import { graphsWithWeights } from './graphs.js'
import { checkLoad, type LoadOptions } from './load-options.js'

/** What {@link prepareWeights} takes of the options of `load`. */
export type PrepareOptions = Pick<LoadOptions, 'weights' | 'builds' | 'hub' | 'onProgress' | 'signal'>

/**
 * Prepares a checkpoint's weights on disk, so that a later `load` with the same options maps them at once. Runs no model; memory stays at a few hundred MB, whatever the size of the checkpoint.
 *
 * @param id - As for `load`.
 * @returns The prepared weights; those that were there already, where nothing had to be done; undefined where `load` would
 *   keep them in memory, because they are few.
 * @throws {CheckpointError} Naming the file, field or tensor; `CHECKPOINT_BUILD` if the disk is full or cannot be
 *   written.
 * @throws {InvalidOptionError} If an option is unknown or out of its range.
 * @throws {CancelledError} If `signal` fires; what was written is kept, and the next call goes on there.
 */
export async function prepareWeights(
  id: string | URL,
  options: PrepareOptions = {},
): Promise<Build | undefined> {
  const { builds, hub, signal, ...asked } = checkLoad(options)
  throwIfAborted(signal)
  const checkpoint = await openCheckpoint(id, { ...hub, signal })
  try {
    const graphs = await graphsWithWeights(checkpoint, asked.weights ?? checkpoint.defaultWeights)
    return await buildWeights(checkpoint, graphs, { ...builds, signal })
  } finally {
    await checkpoint.close()
  }
}
