import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'

const PACKAGES = ['core', 'kernels', 'runtime', 'jobs', 'ai'] as const

export const commonJsChecks: readonly Check[] = [
  {
    runtime: 'node 20',
    manager: 'npm',
    check: 'require() of ES modules',
    run: (place) => requireAll(place, place.tools.node),
  },
  {
    runtime: 'node 24',
    manager: 'npm',
    check: 'require() of ES modules',
    run: (place) => requireAll(place, place.tools.node24),
  },
  {
    runtime: 'node 20.18',
    manager: 'npm',
    check: 'require() says that this is an ES module',
    run: async (place) => {
      const project = await wholeProject(place)
      const { code, stderr } = await project.try(place.tools.node2018, [
        '--eval',
        "require('@longtake/core')",
      ])
      if (code === 0 || !/ERR_REQUIRE_ESM/.test(stderr) || !/import\(\)/.test(stderr)) throw new Error(stderr)
      return undefined
    },
  },
]

async function requireAll(place: Place, node: string): Promise<undefined> {
  const project = await wholeProject(place)
  const names = PACKAGES.map((name) => `@longtake/${name}`)
  const program = `
    for (const name of ${JSON.stringify(names)}) {
      if (Object.keys(require(name)).length === 0) throw new Error(name + ' has nothing')
    }
    console.log(require('@longtake/core').formatTimestamp(61))`
  const stdout = await project.run(node, ['--eval', program])
  if (stdout.trim() !== '1:01') throw new Error(stdout)
}
