import { readFile } from 'node:fs/promises'
import { startWorker } from '../../../support/workerd.js'
import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import { bundle } from '../programs.js'
import type { Check } from '../row.js'
import { requireSentence } from '../sentence.js'
import { withPage } from '../web-page.js'

const check = 'the entry for Node says where it runs'
const SENTENCE = /@longtake\/runtime runs on Node, Bun and Deno.*@longtake\/runtime\/web.*@longtake\/edge-api/
const PROGRAM = `import { load } from '@longtake/runtime'
export default { fetch: async () => new Response(String(await load('@longtake/tiny'))) }
`

/** The entry for Node in a place that has no files. */
export const elsewhereChecks: readonly Check[] = [
  {
    runtime: 'workerd',
    manager: 'npm',
    check,
    run: async (place) => {
      const code = await readFile(await bundled(place, 'workerd'), 'utf8')
      const failure = startWorker(place.tools.workerd, code, {}).then(
        async (worker) => {
          await worker[Symbol.asyncDispose]()
          return 'nothing'
        },
        (error: unknown) => String(error),
      )
      return requireSentence(await failure, SENTENCE)
    },
  },
  {
    runtime: 'chromium',
    manager: 'npm',
    check,
    run: async (place) => {
      await bundled(place, 'browser')
      const { folder } = await wholeProject(place)
      const said = await withPage({ '/': folder }, (page) =>
        page.evaluate("import('/elsewhere.js.browser.mjs').then(() => 'nothing', String)"),
      )
      return requireSentence(String(said), SENTENCE)
    },
  },
]

async function bundled(place: Place, platform: 'browser' | 'workerd'): Promise<string> {
  const project = await wholeProject(place)
  await project.write('elsewhere.js', PROGRAM)
  return (await bundle(place, project, 'elsewhere.js', platform)).path
}
