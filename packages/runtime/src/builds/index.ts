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

/** See `preparedWeights` of the package. */
export function preparedWeights({ folder }: PreparedOptions = {}): Promise<Build[]> {
  return listBuilds(buildsPlace(folder))
}

/** See `removePrepared` of the package. */
export function removePrepared(weights: Build): Promise<void> {
  return removeBuild(weights)
}
