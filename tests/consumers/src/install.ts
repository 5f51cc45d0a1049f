import type { Place, Project } from './place.js'

/** What a project's manifest names. */
export type Dependencies = Readonly<Record<string, string>>

/** Everything that the ten lines need. */
export const LIBRARY: Dependencies = { '@longtake/runtime': '*', '@longtake/tiny': '*' }

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun'

/** Install scripts are off everywhere: none is needed. npm runs them unless told not to; pnpm refuses until it is told. */
const COMMANDS: Record<Manager, (place: Place) => readonly [string, ...string[]]> = {
  npm: () => ['npm', 'install', '--ignore-scripts'],
  pnpm: ({ tools }) => [tools.pnpm, 'install', '--ignore-scripts'],
  yarn: ({ tools }) => [tools.node, tools.yarn, 'install'],
  bun: ({ tools }) => [tools.bun, 'install'],
}

/** A fresh project of ES modules with these packages installed. */
export async function installed(
  place: Place,
  manager: Manager,
  name: string,
  dependencies: Dependencies,
): Promise<Project> {
  const manifest = JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies })
  const project = await place.project(name, { 'package.json': manifest })
  // Yarn takes a folder above for its project unless there is a lock file here.
  if (manager === 'yarn') await project.write('yarn.lock', '')
  const [file, ...words] = COMMANDS[manager](place)
  await project.run(file, words, { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false', YARN_ENABLE_SCRIPTS: 'false' })
  return project
}

/** The ten lines' own packages by npm, and how long they took; the first of npm's installs, with an empty cache. */
export function libraryProject(
  place: Place,
): Promise<{ readonly project: Project; readonly seconds: number }> {
  return place.once('library', () => timed(() => installed(place, 'npm', 'library', LIBRARY)))
}

export async function timed(install: () => Promise<Project>): Promise<{ project: Project; seconds: number }> {
  const start = performance.now()
  const project = await install()
  return { project, seconds: (performance.now() - start) / 1000 }
}

/** The project that most checks share: every published package, two of them twice, and what consumers build with. */
export function wholeProject(place: Place): Promise<Project> {
  return place.once('whole', () =>
    installed(place, 'npm', 'whole', {
      ...LIBRARY,
      '@longtake/ai': '*',
      '@longtake/cli': '*',
      '@longtake/core': '*',
      '@longtake/discord-bot': '*',
      '@longtake/edge-api': '*',
      '@longtake/jobs': '*',
      '@longtake/kernels': '*',
      '@longtake/mcp': '*',
      '@modelcontextprotocol/client': '^2.4.0',
      // @ai-sdk/provider takes its types for granted.
      '@types/json-schema': '^7.0.15',
      '@types/node': '20.19.43',
      ai: '^6.0.326',
      esbuild: '0.28.2',
      'onnxruntime-web': '^1.30.0',
      'other-core': 'npm:@longtake/core@*',
      'other-runtime': 'npm:@longtake/runtime@*',
      typescript: '5.9.3',
      'typescript-7': 'npm:typescript@7.0.2',
      vite: '7.3.8',
      webpack: '5.112.2',
    }),
  )
}
