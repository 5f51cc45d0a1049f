import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'
import type * as isolated from '../../packages/runtime/src/isolated/index.js'
import { installPlain, type PlainInstall } from './plain-node.js'
import { TINY } from './tiny-model.js'

/** What tests wait for at most; it is there much earlier, or never. */
const PATIENCE_MILLISECONDS = 30_000

/** Compiles the runtime, whose processes are started from what was compiled, for the tests of a file. */
export function useIsolated() {
  let install: PlainInstall
  beforeAll(async () => {
    install = await installPlain()
  })
  afterAll(() => install?.remove())
  return {
    install: () => install,
    /** A checkpoint loaded in a process of its own. */
    async open(options: isolated.IsolatedOptions = {}, id = TINY): Promise<isolated.IsolatedLongtake> {
      const module: typeof isolated = await import(install.runtimeModule('isolated/index.js'))
      return module.loadIsolated(id, { threads: 1, ...options })
    },
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MILLISECONDS; !(await isSo()); await pause(20))
    if (Date.now() > end) throw new Error('It never came to be so.')
}
