import { LIBRARY } from '../install.js'
import type { Check } from '../row.js'
import { requireSentence } from '../sentence.js'

/** Packages that `deno add` names in deno.json lie where only what code imports is found. */
export const denoChecks: readonly Check[] = [
  {
    runtime: 'deno',
    manager: 'deno, node_modules none',
    check: 'a model that only deno.json names: says what to set',
    run: async (place) => {
      const imports = Object.fromEntries(Object.keys(LIBRARY).map((name) => [name, `npm:${name}@*`]))
      const settings = { nodeModulesDir: 'none', minimumDependencyAge: 0, imports }
      const project = await place.project('deno-imports', { 'deno.json': JSON.stringify(settings) })
      await project.write(
        'load.ts',
        "import { load } from '@longtake/runtime'\nawait load('@longtake/tiny')\n",
      )
      const { code, stderr } = await project.try(place.tools.deno, ['run', '--quiet', '-A', 'load.ts'])
      if (code === 0) throw new Error('It went on.')
      return requireSentence(
        stderr,
        /deno add npm:@longtake\/tiny, and set "nodeModulesDir": "auto" in deno\.json/,
      )
    },
  },
]
