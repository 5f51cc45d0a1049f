import { join } from 'node:path'
import { LinkCache, openLink, ytDlp } from '@longtake/runtime/link'
import type { Links, Log } from '../services.js'
import type { Config } from './config.js'

/** Links of strangers, guarded; what they fetch is kept below the state, where there is one. */
export function openLinks({ links, linkCacheBytes, stateFolder, ytDlp: command }: Config, log: Log): Links {
  const policy = { ...links, ...(command !== undefined && { players: ytDlp({ command }) }) }
  const cache =
    stateFolder === undefined || linkCacheBytes === 0
      ? undefined
      : new LinkCache({
          folder: join(stateFolder, 'links'),
          maxBytes: linkCacheBytes,
          onProblem: (problem) => log.error({ problem }, 'what links fetch is not kept'),
        })
  return { open: (url, signal) => openLink(url, { policy, cache, signal }) }
}
