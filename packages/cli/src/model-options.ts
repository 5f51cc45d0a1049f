import { homedir } from 'node:os'
import { InvalidOptionError, MAX_FRAMES } from '@longtake/core'
import { buildsFolder, cacheFolder, isRemoteId, type LoadOptions, modelsFolder } from '@longtake/runtime'
import type { Command } from 'commander'
import type { Io } from './io.js'
import { choice } from './options.js'
import { byteCount, filledText, wholeNumber } from './parse.js'
import { WEIGHTS } from './resources.js'

/** The checkpoint that comes with Longtake. */
const DEFAULT_MODEL = '@longtake/tiny'

/** Flags about the model, as commander hands them over. */
export interface ModelFlags {
  readonly model: string
  readonly backend: 'auto' | 'resident' | 'portable'
  readonly weights?: (typeof WEIGHTS)[number]
  readonly threads?: number
  readonly cache: boolean
  readonly cacheDir?: string
  readonly cacheSize?: number
  readonly guide?: string
  readonly sendFrames?: number
}

/** Which model, wherever it runs. */
export function addModelFlag(command: Command): Command {
  return command
    .option(
      '--model <id>',
      'checkpoint: an installed package, a folder, a model that was pulled, or openai:https://host/v1#name',
      DEFAULT_MODEL,
    )
    .option(
      '--guide <id>',
      'with openai: models, a model of this machine that finds the frames a question is about, such as @longtake/tiny',
      filledText,
    )
    .option(
      '--send-frames <count>',
      'with openai: models, most frames that go with a question',
      wholeNumber(1, MAX_FRAMES),
    )
}

export function addModelFlags(command: Command): Command {
  return addModelFlag(command)
    .addOption(choice('--backend <name>', 'where it runs', ['auto', 'resident', 'portable']).default('auto'))
    .addOption(
      choice('--weights <type>', 'storage of the matrices; default by the size of the model', WEIGHTS),
    )
    .option('--threads <count>', 'threads of one operator', wholeNumber(1, 1024))
    .option(
      '--cache',
      'keep what is encoded and what links fetch, so that neither need be done again for the same video',
      true,
    )
    .option('--no-cache', 'keep nothing')
    .option('--cache-dir <folder>', 'where it is kept', filledText)
    .option('--cache-size <bytes>', 'most that is kept of each, such as 2GiB', byteCount)
}

/** Options of `load`. */
export function loadOptions(flags: ModelFlags, env: Io['env'], signal: AbortSignal): LoadOptions {
  const { backend, weights, threads, cacheSize } = flags
  if (isRemoteId(flags.model)) return remoteOptions(flags, env, signal)
  requireRemote(flags)
  const cache = flags.cache && { folder: cachePath(flags, env), maxBytes: cacheSize }
  const hub = { folder: modelsFolder(env) }
  return { backend, weights, threads, cache, hub, builds: { folder: buildsFolder(env) }, signal }
}

/** @throws {InvalidOptionError} If a flag is about models behind an API, and this is none. */
export function requireRemote({
  model,
  guide,
  sendFrames,
}: Pick<ModelFlags, 'model' | 'guide' | 'sendFrames'>): void {
  if (isRemoteId(model)) return
  const given = Object.entries({ guide, sendFrames }).find(([, value]) => value !== undefined)
  if (given === undefined) return
  throw new InvalidOptionError(
    `remote.${given[0]}`,
    'a model such as openai:https://host/v1#name beside it',
    given[1],
  )
}

/** What was said of the machine is said of the guide, where there is one. */
function remoteOptions(flags: ModelFlags, env: Io['env'], signal: AbortSignal): LoadOptions {
  const { backend, weights, threads, cacheDir, cacheSize, guide, sendFrames } = flags
  const remote = { guide, sendFrames, key: env.LONGTAKE_REMOTE_KEY }
  const isCached = cacheDir !== undefined || cacheSize !== undefined
  const cache = isCached ? { folder: cacheDir, maxBytes: cacheSize } : undefined
  const asked = { backend: backend === 'auto' ? undefined : backend, weights, threads, cache, remote, signal }
  if (guide === undefined) return asked
  return { ...asked, hub: { folder: modelsFolder(env) }, builds: { folder: buildsFolder(env) } }
}

/** Where features are kept; what links fetch lies below it. */
export function cachePath({ cacheDir }: Pick<ModelFlags, 'cacheDir'>, environment: Io['env']): string {
  return cacheDir ?? cacheFolder({ environment, platform: process.platform, home: homedir() })
}
