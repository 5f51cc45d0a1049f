import type { Limits } from '../config/config.js'
import type { Engine } from './engine.js'
export async function openRemoteEngine(_: object, __: Limits): Promise<Engine> {
  throw new Error('soon')
}
