export {
  contentKey,
  EDGE_HASH_BYTES,
  FULL_HASH_BYTES,
  HASH_BLOCK_BYTES,
  HASH_BLOCKS,
} from './content-key.js'
export { cacheFolder, DEFAULT_CACHE_BYTES } from './default-folder.js'
export { FeatureCacheError } from './error.js'
export { FeatureCache } from './feature-cache.js'
export { featureKey } from './feature-key.js'
export { createScratch } from './scratch.js'
export type { FeatureLayout, FeatureReader, FeatureWriter, JsonValue } from './types.js'
