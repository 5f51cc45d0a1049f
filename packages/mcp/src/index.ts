export { type Stdio, serveTools } from './serve-stdio.js'
export type { SourceOptions } from './video-sources.js'
export { type McpOptions, VideoTools } from './video-tools.js'
