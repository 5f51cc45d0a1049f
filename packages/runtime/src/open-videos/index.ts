export { type Closable, type Lease, type OpenVideo, OpenVideos } from './open-videos.js'
export { type Media, WatchedMedia } from './watched-media.js'
