import { EngineError } from '@longtake/core'
import type { RemoteOptions } from '@longtake/runtime'
import { type IsolatedLongtake, type IsolatedState, loadIsolated } from '@longtake/runtime/isolated'
import type { Engine, EngineModel, Log } from '../services.js'
import { type EngineLimits, inputOf, optionsFor } from './engine.js'

/**
 * Loads models into processes of their own, with another one for the decoder of each video: what strangers send can end
 * those, but not the server.
 *
 * @param ids - As `load` of `@longtake/runtime` takes them; clients use the same names.
 * @param log - Told when a process ends.
 * @param remote - How models behind an API are asked.
 * @throws {LongtakeError} As `loadIsolated`; nothing is left then.
 */
export async function openIsolatedEngine(
  ids: readonly string[],
  limits: EngineLimits,
  log: Log,
  remote?: RemoteOptions,
): Promise<Engine & { close(): Promise<void> }> {
  const loaded = new Map<string, IsolatedLongtake>()
  const close = async (): Promise<void> => {
    await Promise.all([...loaded.values()].map((model) => model.close()))
  }
  try {
    for (const id of ids) {
      const onState = (state: IsolatedState): void => tell(log, id, state)
      loaded.set(id, await loadIsolated(id, { ...optionsFor(id, remote), videos: limits, onState }))
    }
  } catch (error) {
    await close()
    throw error
  }
  const check = async (): Promise<void> => {
    for (const [id, { state }] of loaded)
      if (state.status !== 'ready') throw new EngineError('ENGINE_UNAVAILABLE', `${id} is ${state.status}.`)
  }
  return { models: new Map([...loaded].map(([id, model]) => [id, engineModel(model)])), close, check }
}

function engineModel(longtake: IsolatedLongtake): EngineModel {
  return {
    spec: longtake.spec,
    watch: (sources, options) => longtake.watch(inputOf(sources), options),
    plan: (sources, { onProgress: _, ...options }) => longtake.planned(inputOf(sources), options),
  }
}

function tell(log: Log, model: string, { status, pid, restarts, lastEnding }: IsolatedState): void {
  if (status === 'restarting') log.error({ model, restarts, lastEnding }, 'the engine ended')
  else log.info({ model, status, pid, restarts }, 'engine')
}
