import { join } from 'node:path'
import { EngineError } from '@longtake/core'
import { type GraphModel, readIntoMemory } from '@longtake/kernels'
import type { Checkpoint } from '../checkpoint/read-checkpoint.js'
import type { WeightStore } from '../engine/platform.js'
import type { SessionModel } from '../ort/types.js'
import type { BuildOptions } from './build.js'
import { type Layout, layOut, WEIGHTS_FILE } from './layout.js'
import type { Build } from './manifest.js'

/** From here on weights are prepared on disk once, bytes: what less than that takes is quicker than reading it back. */
export const BUILD_BYTES = 256 * 2 ** 20

/** What is needed of a checkpoint to prepare its weights. */
type BuiltCheckpoint = Pick<Checkpoint, 'id' | 'folder' | 'files'>

/** Where prepared weights are kept, and whether. */
export interface BuildsOptions extends BuildOptions {
  /** Absolute. */
  readonly folder: string
  /** Whether weights are prepared on disk; undefined: where they are many. */
  readonly wanted: boolean | undefined
}

/**
 * Makes the weights of a checkpoint ready: in memory when a graph asks for them, or, where they are many, on disk.
 *
 * @param graphs - Every graph whose weights are needed sooner or later.
 * @throws {CheckpointError} As `makeBuild`.
 */
export async function openWeights(
  checkpoint: BuiltCheckpoint,
  graphs: readonly GraphModel[],
  options: BuildsOptions,
): Promise<WeightStore> {
  const layout = layOut(graphs.flatMap(({ weights }) => weights))
  const build = await buildWhereWanted(checkpoint, layout, options)
  return build === undefined ? readIntoMemory : async (model) => onDisk(model, build, layout)
}

/**
 * The weights of graphs on disk; they are prepared where they are not there yet. Undefined where they stay in memory.
 *
 * @throws {CheckpointError} As `makeBuild`.
 */
export function buildWeights(
  checkpoint: BuiltCheckpoint,
  graphs: readonly GraphModel[],
  options: BuildsOptions,
): Promise<Build | undefined> {
  return buildWhereWanted(checkpoint, layOut(graphs.flatMap(({ weights }) => weights)), options)
}

async function buildWhereWanted(
  checkpoint: BuiltCheckpoint,
  layout: Layout,
  { folder, wanted, ...options }: BuildsOptions,
): Promise<Build | undefined> {
  if (!(wanted ?? layout.bytes > BUILD_BYTES)) return undefined
  // Only large models need them.
  const [{ makeBuild }, { buildKey }, { findBuild }] = await Promise.all([
    import('./build.js'),
    import('./key.js'),
    import('./manifest.js'),
  ])
  const key = await buildKey(checkpoint.files, layout)
  const known = await findBuild(folder, key)
  return known ?? makeBuild(newBuild(checkpoint, layout, folder, key), layout, options)
}

function newBuild(
  { id, folder: source }: BuiltCheckpoint,
  { weights, bytes }: Layout,
  folder: string,
  key: string,
): Build {
  const storage = weights.find((weight) => weight.storage !== 'fp32')?.storage ?? 'fp32'
  return { key, model: id, source, storage, folder: join(folder, key), sizeBytes: bytes }
}

/** A graph whose weights are in a build. */
function onDisk(model: GraphModel, { folder, sizeBytes }: Build, layout: Layout): SessionModel {
  const place = (name: string) => {
    const part = layout.parts.get(name)
    if (part !== undefined) return part
    throw new EngineError('ENGINE_FAILED', `${name} is not among the prepared weights in ${folder}.`)
  }
  const parts = model.weights.flatMap((weight) => weight.parts.map(({ name }) => place(name)))
  return {
    graph: model.encode((name) => ({ file: WEIGHTS_FILE, offset: place(name).offset })),
    weights: [],
    ...(parts.length > 0 && { file: { path: join(folder, WEIGHTS_FILE), bytes: sizeBytes, parts } }),
  }
}
