import { type Build, listBuilds, removeBuild } from './manifest.js'
import { buildsPlace } from './place.js'

export type { BuildProgress } from './build.js'
export type { Build as PreparedWeights } from './manifest.js'
export { buildsFolder } from './place.js'

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
export function preparedWeights({ folder }: PreparedOptions = {}): Promise<Build[]> {
  return listBuilds(buildsPlace(folder))
}

/** Removes prepared weights; models that have them loaded go on with them where the system allows that. */
export function removePrepared(weights: Build): Promise<void> {
  return removeBuild(weights)
}
