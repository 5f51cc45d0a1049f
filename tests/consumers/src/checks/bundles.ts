import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { wholeProject } from '../install.js'
import type { Place, Project } from '../place.js'
import { bringPrograms } from '../programs.js'
import type { Check } from '../row.js'

/** A bundle of one small function is far below this, one with a whole package in it far above. */
const MAX_ONE_BYTES = { '@longtake/core': 4_000, '@longtake/kernels': 6_000 } as const

const ONE = {
  '@longtake/core': ['formatTimestamp', '61', '1:01'],
  '@longtake/kernels': ['stretchedLength', '77', '248'],
} as const

/** Each bundles `entry` into the folder `output`, as ES modules for Node. */
const BUNDLERS: Record<string, (entry: string, output: string) => string> = {
  esbuild: (entry, output) => `
    import { build } from 'esbuild'
    await build({ entryPoints: ['${entry}'], outdir: '${output}', bundle: true, minify: true, format: 'esm', platform: 'node', logLevel: 'error' })`,
  vite: (entry, output) => `
    import { build } from 'vite'
    await build({ logLevel: 'error', ssr: { noExternal: true }, build: { ssr: '${entry}', outDir: '${output}', minify: true } })`,
  // As Next bundles the server's side.
  webpack: (entry, output) => `
    import webpack from 'webpack'
    const path = import.meta.dirname + '/${output}'
    const stats = await new Promise((resolve, reject) => webpack({
      mode: 'production', target: 'node', entry: './${entry}', output: { path, filename: 'index.js', module: true, chunkFormat: 'module' },
      experiments: { outputModule: true },
    }, (error, done) => error ? reject(error) : resolve(done)))
    if (stats.hasErrors()) throw new Error(stats.toString('errors-only'))`,
}

export const bundleChecks: readonly Check[] = Object.keys(BUNDLERS).map((name) => ({
  runtime: 'node 20',
  manager: 'npm',
  check: `bundled by ${name}, and shaken`,
  run: (place) => checkBundler(place, name),
}))

async function checkBundler(place: Place, name: string): Promise<string> {
  const project = await wholeProject(place)
  const sizes: string[] = []
  for (const [owner, [imported, argument, expected]] of Object.entries(ONE)) {
    const code = `import { ${imported} } from '${owner}'\nconsole.log(String(${imported}(${argument})))\n`
    const { stdout, bytes } = await buildAndRun(place, project, name, code)
    if (stdout !== expected) throw new Error(`${imported}(${argument}) of ${owner} gave ${stdout}.`)
    const most = MAX_ONE_BYTES[owner as keyof typeof MAX_ONE_BYTES]
    if (bytes > most) throw new Error(`One function of ${owner} takes ${bytes} bytes, more than ${most}.`)
    sizes.push(`one function of ${owner} ${bytes} B`)
  }
  await bringPrograms(project)
  const whole = await buildAndRun(place, project, name, "import './pure-main.js'\n")
  if (whole.stdout !== (await pureOnNode(place))) throw new Error(`Bundled it computes ${whole.stdout}.`)
  return `${sizes.join(', ')}, all of both ${whole.bytes} B`
}

/** What the programs compute without a bundler. */
export function pureOnNode(place: Place): Promise<string> {
  return place.once('pure', async () => {
    const project = await wholeProject(place)
    await bringPrograms(project)
    return (await project.run(place.tools.node, ['pure-main.js'])).trim()
  })
}

async function buildAndRun(
  place: Place,
  project: Project,
  name: string,
  code: string,
): Promise<{ stdout: string; bytes: number }> {
  const output = `out-${name}`
  await project.write(`entry-${name}.js`, code)
  await project.write(`build-${name}.mjs`, BUNDLERS[name]?.(`entry-${name}.js`, output) ?? '')
  await project.run(place.tools.node, [`build-${name}.mjs`])
  const [file = ''] = (await readdir(join(project.folder, output))).filter((path) => /\.m?js$/.test(path))
  const { size } = await stat(join(project.folder, output, file))
  // Alone in another folder: what it needed of the packages is in it.
  const alone = await place.project(`alone-${name}`, { 'package.json': '{ "type": "module" }' })
  const stdout = await alone.run(place.tools.node, [join(project.folder, output, file)])
  return { stdout: stdout.trim(), bytes: size }
}
