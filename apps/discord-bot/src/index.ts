export { type BotGuild, type BotOptions, type RunningBot, startBot } from './bot.js'
export type { Environment } from './config/config.js'
export type {
  Engine,
  EngineProgress,
  EngineResult,
  EngineVideoRef,
  EngineWatcher,
  EngineWork,
  Evidence,
} from './engine/engine.js'
export { invite, register } from './operator.js'
export type { Range } from './store/question.js'
