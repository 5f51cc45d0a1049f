export { ExitCode } from './exit-code.js'
export type { InputStream, Io, OutputStream } from './io.js'
export { main } from './main.js'
export { run } from './run.js'
