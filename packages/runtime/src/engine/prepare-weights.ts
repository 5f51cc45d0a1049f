import type { Build } from '../builds/manifest.js'
import { buildWeights } from '../builds/weight-store.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { throwIfAborted } from '../ort/abort.js'
import { graphsWithWeights } from './graphs.js'
import { checkLoad, type LoadOptions } from './load-options.js'

/** What {@link prepareWeights} takes of the options of `load`. */
export type PrepareOptions = Pick<LoadOptions, 'weights' | 'builds' | 'hub' | 'onProgress' | 'signal'>

/** See `prepareWeights` of the package. */
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
