import type { Tarball } from '../tarball.js'

export interface CheckContext {
  /** The repository. */
  readonly root: string
  /** All packages, so that they find each other. */
  readonly tarballs: readonly Tarball[]
  /** The packages laid out below its `node_modules`. */
  readonly installed: string
}

interface Finding {
  /** What was measured, in a word or two; empty where there is nothing to measure. */
  readonly measured: string
  /** Sentences that say what is wrong and what to do. */
  readonly problems: readonly string[]
}

/** Looks at one package as it would be published. */
export interface Check {
  readonly name: string
  inspect(tarball: Tarball, context: CheckContext): Promise<Finding>
}
