import { installed, LIBRARY, libraryProject } from '../install.js'
import type { Place, Project } from '../place.js'
import type { Check } from '../row.js'
import { bunProject, denoProject } from '../runtimes.js'
import { checkTenLines, compiledTenLines, tenLines } from '../ten-lines.js'

const check = 'the ten lines of the README'
const npmProject = async (place: Place) => (await libraryProject(place)).project

export const tenLineChecks: readonly Check[] = [
  compiled('node 20', 'npm', npmProject),
  compiled('node 20', 'pnpm', (place) => installed(place, 'pnpm', 'pnpm', LIBRARY)),
  compiled(
    'node 20',
    "yarn plug'n'play",
    (place) => installed(place, 'yarn', 'yarn', LIBRARY),
    ({ tools }) => [tools.yarn, 'node'],
  ),
  // This one knows `await using` and strips types by itself.
  asTyped('node 24', 'npm', npmProject, ({ tools }) => [tools.node24]),
  asTyped('bun', 'bun', bunProject, ({ tools }) => [tools.bun, 'run']),
  ...(['auto', 'none'] as const).map((mode) =>
    asTyped(
      'deno',
      `deno, node_modules ${mode}`,
      (place) => denoProject(place, mode),
      ({ tools }) => [tools.deno, 'run', '--quiet', '-A'],
    ),
  ),
]

function compiled(
  runtime: string,
  manager: string,
  install: (place: Place) => Promise<Project>,
  words: (place: Place) => readonly string[] = () => [],
): Check {
  const run = async (place: Place) => {
    const project = await install(place)
    await project.write('ten.js', await compiledTenLines(place))
    return checkTenLines(await project.run(place.tools.node, [...words(place), 'ten.js']))
  }
  return { runtime, manager, check, run }
}

/** Runs the TypeScript itself, with nothing but what the runtime does to it. */
function asTyped(
  runtime: string,
  manager: string,
  install: (place: Place) => Promise<Project>,
  command: (place: Place) => readonly [string, ...string[]],
): Check {
  const run = async (place: Place) => {
    const project = await install(place)
    const [program, ...words] = command(place)
    await project.write('ten.ts', await tenLines(place))
    return checkTenLines(await project.run(program, [...words, 'ten.ts']))
  }
  return { runtime, manager, check, run }
}
