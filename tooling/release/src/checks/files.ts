import { posix } from 'node:path'
import { moduleEntries, namedFiles } from '../manifest.js'
import type { Tarball } from '../tarball.js'
import type { Check } from './check.js'

/** What is only for us: tests, what they need, and what compilers leave behind. */
const UNWANTED =
  /(\.test\.(ts|js|d\.ts)|\.tsbuildinfo|(^|\/)(testing|fixtures?|__tests__|node_modules)(\/|\.(ts|js)$))/

/** That the tarball holds what it promises, and nothing that is only for us. */
export const filesCheck: Check = {
  name: 'files',
  inspect: async (tarball) => ({
    measured: `${tarball.files.size} files`,
    problems: [
      ...missing(tarball),
      ...unwanted(tarball),
      ...mapProblems(tarball),
      ...binProblems(tarball),
      ...entryProblems(tarball),
    ],
  }),
}

function missing({ files, manifest }: Tarball): readonly string[] {
  const named = ['LICENSE', 'README.md', ...namedFiles(manifest)]
  return named
    .filter((path) => !(path.endsWith('*') ? startsAny(files, path.slice(0, -1)) : files.has(path)))
    .map((path) => `${path} is not in the tarball; build it, or add it to \`files\` in package.json.`)
}

function startsAny(files: Tarball['files'], prefix: string): boolean {
  return [...files.keys()].some((path) => path.startsWith(prefix))
}

function unwanted({ files }: Tarball): readonly string[] {
  return [...files.keys()]
    .filter((path) => UNWANTED.test(path))
    .map(
      (path) =>
        `${path} is in the tarball; leave it out by \`files\` in package.json, or run \`npm run build:clean\`.`,
    )
}

/** Debuggers and editors follow maps, so their sources have to be there too. */
function mapProblems({ files }: Tarball): readonly string[] {
  return [...files].flatMap(([path, data]) => {
    if (!path.endsWith('.map')) return []
    const { sources = [] } = JSON.parse(new TextDecoder().decode(data)) as { sources?: readonly string[] }
    return sources
      .map((source) => posix.join(posix.dirname(path), source))
      .filter((source) => !files.has(source))
      .map(
        (source) => `${path} leads to ${source}, which is not in the tarball; run \`npm run build:clean\`.`,
      )
  })
}

function binProblems({ files, manifest }: Tarball): readonly string[] {
  return Object.values(manifest.bin ?? {}).flatMap((bin) => {
    const text = new TextDecoder().decode(files.get(bin.replace(/^\.\//, '')))
    return text.startsWith('#!/usr/bin/env node\n') ? [] : [`${bin} has to begin with #!/usr/bin/env node.`]
  })
}

/** Every module entry has types and maps, and `package.json` can be read by tools. */
function entryProblems({ files, manifest }: Tarball): readonly string[] {
  const { exports } = manifest
  const open =
    typeof exports === 'object' && exports !== null && exports['./package.json'] === './package.json'
  const modules = [...moduleEntries(manifest).values()]
  return [
    ...(open ? [] : ['package.json: `exports` lacks "./package.json", which tools read.']),
    ...modules
      .flatMap((path) => [`${path}.map`, path.replace(/\.js$/, '.d.ts'), path.replace(/\.js$/, '.d.ts.map')])
      .filter((path) => !files.has(path))
      .map((path) => `${path} is not in the tarball; the build has to write it.`),
  ]
}
