import { wholeProject } from '../install.js'
import type { Check } from '../row.js'
import { requireSentence } from '../sentence.js'
import type { Tools } from '../tools.js'

const OLD = { 'node 18': 'node18', 'node 20.18': 'node2018' } as const satisfies Record<string, keyof Tools>

export const oldNodeChecks: readonly Check[] = Object.entries(OLD).map(([runtime, tool]) => ({
  runtime,
  manager: 'npm',
  check: 'the package and the command say which Node they need',
  run: async (place) => {
    const project = await wholeProject(place)
    const sentence = /@longtake\/runtime needs Node 20\.19 or newer, and this is Node \d+\.\d+\.\d+\. Install/
    const node = place.tools[tool]
    const words = ['--input-type=module', '--eval', "import '@longtake/runtime'"]
    const program = await project.try(node, words)
    const command = await project.try(node, ['node_modules/@longtake/cli/bin/longtake.js', 'doctor'])
    if (program.code === 0 || command.code === 0) throw new Error('It went on.')
    requireSentence(program.stderr, sentence)
    return requireSentence(command.stderr, new RegExp(`^error: ${sentence.source}`))
  },
}))
