import '../require-node.js'

export type { GuardedVideos, PlannedVideo } from './engine-process.js'
export { type IsolatedLongtake, loadIsolated } from './load-isolated.js'
export type { IsolatedOptions, IsolatedState, IsolationLimits } from './options.js'
