import { installed, LIBRARY, wholeProject } from '../install.js'
import type { Place, Project } from '../place.js'
import type { Check } from '../row.js'
import { checkTenLines, compiledTenLines, tenLines } from '../ten-lines.js'

const check = 'the ten lines of the README'

export const tenLineChecks: readonly Check[] = [
  {
    runtime: 'node 20',
    manager: 'npm',
    check,
    run: async (place) => compiled(place, await wholeProject(place)),
  },
  {
    runtime: 'node 20',
    manager: 'pnpm',
    check,
    run: async (place) => compiled(place, await installed(place, 'pnpm', 'pnpm', LIBRARY)),
  },
  {
    runtime: 'node 20',
    manager: "yarn plug'n'play",
    check,
    run: async (place) =>
      compiled(place, await installed(place, 'yarn', 'yarn', LIBRARY), [place.tools.yarn, 'node']),
  },
  {
    runtime: 'node 24',
    manager: 'npm',
    check,
    run: async (place) => {
      // This one knows `await using` and strips types by itself.
      return asTyped(place, await wholeProject(place), place.tools.node24, [])
    },
  },
  {
    runtime: 'bun',
    manager: 'bun',
    check,
    run: async (place) =>
      asTyped(place, await installed(place, 'bun', 'bun', LIBRARY), place.tools.bun, ['run']),
  },
  ...(['none', 'auto'] as const).map(
    (mode): Check => ({
      runtime: 'deno',
      manager: `deno, node_modules ${mode}`,
      check,
      run: async (place) => {
        const imports = Object.fromEntries(Object.keys(LIBRARY).map((name) => [name, `npm:${name}@*`]))
        const manifest = JSON.stringify({ nodeModulesDir: mode, minimumDependencyAge: 0, imports })
        const project = await place.project(`deno-${mode}`, { 'deno.json': manifest })
        return asTyped(place, project, place.tools.deno, ['run', '--quiet', '-A'])
      },
    }),
  ),
]

async function compiled(place: Place, project: Project, words: readonly string[] = []): Promise<undefined> {
  await project.write('ten.js', await compiledTenLines(place))
  return checkTenLines(await project.run(place.tools.node, [...words, 'ten.js']))
}

/** Runs the TypeScript itself, with nothing but what the runtime does to it. */
async function asTyped(
  place: Place,
  project: Project,
  program: string,
  words: readonly string[],
): Promise<undefined> {
  await project.write('ten.ts', await tenLines(place))
  return checkTenLines(await project.run(program, [...words, 'ten.ts']))
}
