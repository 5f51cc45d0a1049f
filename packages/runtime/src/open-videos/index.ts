export { type Closable, type Lease, type OpenVideo, OpenVideos } from './open-videos.js'
