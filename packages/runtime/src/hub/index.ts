export {
  type HubLookup,
  hubFolder,
  type ModelsOptions,
  pulledFolder,
  pulledModels,
  remoteFiles,
  removeModel,
} from './models.js'
export type { PullProgress } from './progress.js'
export { type PullOptions, pull } from './pull.js'
export type { HubOptions } from './settings.js'
export type { PulledModel } from './store.js'
