export {
  contentKey,
  EDGE_HASH_BYTES,
  FULL_HASH_BYTES,
  HASH_BLOCK_BYTES,
  HASH_BLOCKS,
} from './content-key.js'
export { cacheFolder, DEFAULT_CACHE_BYTES, type Surroundings } from './default-folder.js'
export { FeatureCacheError, type FeatureCacheReason } from './error.js'
export { FeatureCache, type FeatureCacheOptions } from './feature-cache.js'
export { featureKey } from './feature-key.js'
export { createScratch, MAX_SCRATCH_MEMORY_BYTES } from './scratch.js'
export type { FeatureBlock, FeatureLayout, FeatureReader, FeatureWriter, JsonValue } from './types.js'
