import { join } from 'node:path'
import {
  LinkCache,
  type LinkPolicy,
  type OpenLinkOptions,
  PRIVATE_NETWORKS,
  ytDlp,
} from '@longtake/runtime/link'
import { LINKS_FOLDER } from './cache-size.js'
import type { Io } from './io.js'
import { cachePath, type ModelFlags } from './model-options.js'
import type { WatchFlags } from './options.js'

/**
 * Options of `openLink`.
 *
 * @param notes - Told what goes wrong without harm.
 */
export function linkOptions(
  flags: ModelFlags & WatchFlags,
  env: Io['env'],
  notes: string[],
  signal: AbortSignal,
): OpenLinkOptions {
  const policy = { ...placesOf(flags), ...(flags.ytDlp && { players: ytDlp() }) }
  if (!flags.cache) return { policy, signal }
  const folder = join(cachePath(flags, env), LINKS_FOLDER)
  const onProblem = (problem: string): void => void notes.push(problem)
  return { policy, cache: new LinkCache({ folder, maxBytes: flags.cacheSize, onProblem }), signal }
}

/** Where links may lead: the public internet, and with `--allow-private` everywhere. */
export function placesOf({ allowPrivate }: Pick<WatchFlags, 'allowPrivate'>): LinkPolicy {
  return allowPrivate ? { ports: 'any', allowNetworks: PRIVATE_NETWORKS } : {}
}
