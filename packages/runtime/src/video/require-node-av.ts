import { createRequire } from 'node:module'
import { EngineError } from '@longtake/core'
import { missingBinary } from '../missing-binary.js'

// node-av loads its binary when it is imported, and its error names no command.
const { platform, arch, env } = process
const toolchain = platform === 'win32' ? '-msvc' : ''
const binary = `@seydx/node-av-${platform}-${arch}${toolchain}`
if (env.AV_FROM_SOURCE !== '1' && !isInstalled()) {
  throw new EngineError('ENGINE_UNAVAILABLE', missingBinary('node-av', binary))
}

/** Looked for where node-av does. */
function isInstalled(): boolean {
  try {
    const owner = createRequire(import.meta.url).resolve('node-av/lib')
    createRequire(owner).resolve(`${binary}/node-av.node`)
    return true
  } catch {
    return false
  }
}
