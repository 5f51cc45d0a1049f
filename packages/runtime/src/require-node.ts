import { EngineError } from '@longtake/core'

// Imported before all else, so that an older Node says this and not which of its functions is missing.
const { node } = process.versions
const [major = 0, minor = 0] = node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  throw new EngineError(
    'ENGINE_UNAVAILABLE',
    `@longtake/runtime needs Node 20.19 or newer, and this is Node ${node}. Install a newer one from https://nodejs.org or by your version manager.`,
  )
}
