import '../require-node.js'

export { PRIVATE_NETWORKS } from './address.js'
export { LinkCache, type LinkCacheOptions } from './link-cache.js'
export {
  type LinkedVideo,
  type LinkFacts,
  type LinkProgress,
  type OpenLinkOptions,
  openLink,
} from './open-link.js'
export type { LinkLimits, LinkPolicy, PlayerContext, PlayerResolver, Resolver } from './policy.js'
export { checkVideoLimits, type VideoLimits } from './video-limits.js'
export { type YtDlpOptions, ytDlp } from './yt-dlp.js'
