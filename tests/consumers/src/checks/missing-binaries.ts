import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { wholeProject } from '../install.js'
import type { Project } from '../place.js'
import type { Check } from '../row.js'
import { requireSentence } from '../sentence.js'

const names = { runtime: 'node 20', manager: 'npm' }
const HERE = `${process.platform}-${process.arch}`
const DOCTOR = ['node_modules/@longtake/cli/bin/longtake.js', 'doctor']

/** As `npm install --omit=optional`, or a `node_modules` of another machine, leaves them out. */
export const missingBinaryChecks: readonly Check[] = [
  {
    ...names,
    check: "without node-av's binary",
    run: async (place) => {
      const project = await wholeProject(place)
      return without(project, '@seydx', async () => {
        const { code, stderr } = await project.try(place.tools.node, DOCTOR)
        if (code === 0) throw new Error('It went on.')
        requireSentence(stderr, new RegExp(`^error: @seydx/node-av-${HERE}.*npm install --include=optional`))
      })
    },
  },
  {
    ...names,
    check: "without koffi's binary: slower, and says so",
    run: async (place) => {
      const project = await wholeProject(place)
      return without(project, '@koromix', async () => {
        const said = await project.run(place.tools.node, DOCTOR)
        requireSentence(said, /back end +portable/)
        requireSentence(said, new RegExp(`@koromix/koffi-${HERE}.*npm install --include=optional`))
      })
    },
  },
]

/** With a folder of `node_modules` out of the way. */
async function without(project: Project, name: string, work: () => Promise<void>): Promise<undefined> {
  const [there, aside] = [join(project.folder, 'node_modules', name), join(project.folder, `${name}-aside`)]
  await rename(there, aside)
  try {
    await work()
  } finally {
    await rename(aside, there)
  }
}
