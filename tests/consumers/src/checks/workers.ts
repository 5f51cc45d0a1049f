import { readFile } from 'node:fs/promises'
import { startWorker } from '../../../support/workerd.js'
import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import { bringPrograms, bundle } from '../programs.js'
import type { Check } from '../row.js'
import { pureOnNode } from './bundles.js'

const NEW_KEY = "import { newKey } from '@longtake/edge-api/node'; console.log(newKey('ann').entry)"
const names = { runtime: 'workerd', manager: 'npm' }

export const workerChecks: readonly Check[] = [
  {
    ...names,
    check: 'core and kernels',
    run: async (place) => {
      const project = await wholeProject(place)
      await bringPrograms(project)
      await using worker = await startWorker(
        place.tools.workerd,
        await bundledWorker(place, 'pure-worker.js'),
        {},
      )
      const computed = await (await fetch(worker.url)).text()
      if (computed !== (await pureOnNode(place))) throw new Error(`It computes ${computed}.`)
      return undefined
    },
  },
  {
    ...names,
    check: '@longtake/edge-api/workers',
    run: async (place) => {
      const project = await wholeProject(place)
      await project.write('gateway.js', "export { default } from '@longtake/edge-api/workers'\n")
      const entry = await project.run(place.tools.node, ['--input-type=module', '--eval', NEW_KEY])
      const env = {
        LONGTAKE_UPSTREAM: 'http://127.0.0.1:9',
        LONGTAKE_UPSTREAM_KEY: 'a-key',
        LONGTAKE_KEYS: entry.trim(),
        LONGTAKE_LOG: 'silent',
      }
      await using worker = await startWorker(
        place.tools.workerd,
        await bundledWorker(place, 'gateway.js'),
        env,
      )
      const open = await fetch(new URL('/healthz', worker.url))
      const closed = await fetch(new URL('/v1/models', worker.url))
      if (open.status !== 200 || closed.status !== 401)
        throw new Error(`It answers ${open.status}, ${closed.status}.`)
      return undefined
    },
  },
]

async function bundledWorker(place: Place, entry: string): Promise<string> {
  const { path } = await bundle(place, await wholeProject(place), entry, 'workerd')
  return readFile(path, 'utf8')
}
