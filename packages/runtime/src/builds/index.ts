import { type Build, listBuilds, removeBuild } from './manifest.js'
import { buildsPlace } from './place.js'

export type { BuildProgress } from './build.js'
export { buildsFolder } from './place.js'

/** Weights that were prepared on disk. */
export type PreparedWeights = Build

/** Where prepared weights are. */
export interface PreparedOptions {
  /** Default `buildsFolder(process.env)`. */
  readonly folder?: string | undefined
}

/**
 * Every complete set of prepared weights, by key.
 *
 * @throws {InvalidOptionError} If the folder is not a path.
 */
export function preparedWeights({ folder }: PreparedOptions = {}): Promise<PreparedWeights[]> {
  return listBuilds(buildsPlace(folder))
}

/** Removes prepared weights; models that have them loaded go on with them where the system allows that. */
export function removePrepared(weights: PreparedWeights): Promise<void> {
  return removeBuild(weights)
}
