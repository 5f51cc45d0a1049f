export { newKey } from './keys.js'
export { type RunningServer, serve } from './serve.js'
