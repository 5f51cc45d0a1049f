import { EngineError } from '@longtake/core'

/**
 * What browsers, Workers and their bundlers are given for the entries that need Node, Bun or Deno. It has the names of
 * those entries, so that an import comes as far as the sentence.
 */
export const {
  CACHE_ENTRY_ENDING,
  DEFAULT_CACHE_BYTES,
  LinkCache,
  PRIVATE_NETWORKS,
  buildsFolder,
  cacheFolder,
  checkVideoLimits,
  chooseFrames,
  encodePng,
  estimateMemory,
  frameSpans,
  heatColour,
  heatShares,
  isRemoteId,
  load,
  loadIsolated,
  makeThumbnail,
  mattered,
  modelsFolder,
  openBackend,
  openLink,
  openVideo,
  prepareWeights,
  preparedWeights,
  publishedModels,
  pull,
  pulledModels,
  readSpec,
  removeModel,
  removePrepared,
  shrinkPng,
  storyboard,
  timeTicks,
  ytDlp,
} = refuse()

function refuse(): Record<string, never> {
  throw new EngineError(
    'ENGINE_UNAVAILABLE',
    '@longtake/runtime runs on Node, Bun and Deno: it needs native libraries and files. In a browser import @longtake/runtime/web; in a Worker ask a server of @longtake/edge-api over HTTP (@longtake/edge-api/workers is a gateway to one).',
  )
}
