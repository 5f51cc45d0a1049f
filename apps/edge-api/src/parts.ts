/** What other servers of Longtake are built of too. */
export { type Environment, list, readEnvironment, whole } from './environment.js'
export { linkPolicyOf, linkSettings } from './link-settings.js'
export { type EngineLimits, openEngine } from './node/engine.js'
export { openIsolatedEngine } from './node/isolated-engine.js'
export { openStoredFile } from './node/stored-file.js'
export type { Engine, EngineModel, EngineVideo, Log } from './services.js'
