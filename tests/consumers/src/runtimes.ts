import { installed, LIBRARY } from './install.js'
import type { Place, Project } from './place.js'

export function bunProject(place: Place): Promise<Project> {
  return place.once('bun', () => installed(place, 'bun', 'bun', LIBRARY))
}

/** Deno keeps npm packages in a folder of the project, or in its own where a `package.json` names them. */
export function denoProject(place: Place, nodeModulesDir: 'auto' | 'none'): Promise<Project> {
  return place.once(`deno ${nodeModulesDir}`, () => {
    // Published a minute ago, which Deno would wait a day for.
    const settings = { nodeModulesDir, minimumDependencyAge: 0 }
    const names = Object.keys(LIBRARY)
    const imports = Object.fromEntries(names.map((name) => [name, `npm:${name}@*`]))
    return place.project(`deno-${nodeModulesDir}`, {
      'deno.json': JSON.stringify(nodeModulesDir === 'auto' ? { ...settings, imports } : settings),
      ...(nodeModulesDir === 'none' && { 'package.json': JSON.stringify({ dependencies: LIBRARY }) }),
    })
  })
}
