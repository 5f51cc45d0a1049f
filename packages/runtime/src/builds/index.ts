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

/** See `preparedWeights` of the package. */
export function preparedWeights({ folder }: PreparedOptions = {}): Promise<PreparedWeights[]> {
  return listBuilds(buildsPlace(folder))
}

/** See `removePrepared` of the package. */
export function removePrepared(weights: PreparedWeights): Promise<void> {
  return removeBuild(weights)
}
