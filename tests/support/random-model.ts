import { loadWith } from '../../packages/runtime/src/engine/longtake.js'
import type { LoadOptions, Longtake } from '../../packages/runtime/src/index.js'
import { type Backend, openBackend } from '../../packages/runtime/src/ort/index.js'
import {
  type CheckpointSizes,
  type MadeCheckpoint,
  makeCheckpoint,
  writeCheckpoint,
} from '../../packages/runtime/test/random-checkpoint.js'

/** Weights whose answers are neither empty nor one word over and over. */
export const SEED = 4

export interface RandomModel {
  readonly longtake: Longtake
  /** The back end that the model runs on. */
  readonly backend: Backend
  readonly folder: string
}

export interface RandomModelOptions {
  readonly backend?: 'resident' | 'portable'
  readonly sizes?: Partial<CheckpointSizes>
  /** Changes the checkpoint before it is written. */
  readonly change?: (made: MadeCheckpoint) => void
  /** Stands between the model and the back end, to see what passes. */
  readonly watchBackend?: (backend: Backend) => Backend
  readonly load?: LoadOptions
}

/** Loads a random checkpoint, as `load` does; its folder stays until the temporary folder goes. */
export async function openRandomModel(options: RandomModelOptions = {}): Promise<RandomModel> {
  const made = makeCheckpoint(options.sizes, SEED)
  options.change?.(made)
  const { folder } = await writeCheckpoint(made)
  let opened: Backend | undefined
  const longtake = await loadWith(folder, { threads: 1, ...options.load }, async () => {
    opened = await openBackend(options.backend ?? 'resident')
    return options.watchBackend?.(opened) ?? opened
  })
  if (opened === undefined) throw new Error('The model opened no back end.')
  return { longtake, backend: opened, folder }
}

/** Writes a checkpoint whose answers are long, so that there is something to cancel. */
export async function writeTalkative(): Promise<string> {
  const made = makeCheckpoint({}, SEED)
  made.files['generation_config.json'] = { eos_token_id: [] }
  return (await writeCheckpoint(made)).folder
}
