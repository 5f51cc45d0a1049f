import { copyFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place, Project } from './place.js'

const FOLDER = fileURLToPath(new URL('./programs/', import.meta.url))

/** Copies the compiled programs of this folder into a project, where they find its packages. */
export async function bringPrograms(project: Project): Promise<void> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.js'))
  await Promise.all(names.map((name) => copyFile(join(FOLDER, name), join(project.folder, name))))
}

/** Bundles for one kind of platform with esbuild, and gives the path of the one file. */
export async function bundle(
  place: Place,
  project: Project,
  entry: string,
  platform: 'browser' | 'node' | 'workerd',
): Promise<{ readonly path: string; readonly bytes: number }> {
  const output = `${entry}.${platform}.mjs`
  const target =
    platform === 'workerd'
      ? ['--platform=browser', '--conditions=workerd,worker']
      : [`--platform=${platform}`]
  const words = [entry, '--bundle', '--minify', '--format=esm', `--outfile=${output}`, ...target]
  await project.run(place.tools.node, ['node_modules/esbuild/bin/esbuild', '--log-level=error', ...words])
  const path = join(project.folder, output)
  return { path, bytes: (await stat(path)).size }
}
