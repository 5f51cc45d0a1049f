import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Application, Converter } from 'typedoc'
import { DOCS, ROOT } from './paths.js'

/** Writes a page of Markdown for each entry point of each published package to `docs/reference`. */
export async function writeReference(): Promise<void> {
  const entries = await findEntries()
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
    tsconfig: join(DOCS, 'tsconfig.reference.json'),
    entryPoints: entries.map(({ source }) => source),
    basePath: ROOT,
    readme: 'none',
    disableSources: true,
    groupOrder: ['Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables', '*'],
    excludeExternals: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    enumMembersFormat: 'table',
    logLevel: 'Warn',
    out: join(DOCS, 'reference'),
    docsRoot: DOCS,
    router: 'module',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    pageTitleTemplates: { module: '{name}' },
    name: 'API reference',
  } as Parameters<typeof Application.bootstrapWithPlugins>[0])
  const names = new Map(entries.map(({ source, name }) => [moduleName(source), name]))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc could not read the sources.')
  await app.generateOutputs(project)
  if (app.logger.hasErrors()) throw new Error('TypeDoc could not write the reference.')
}

interface Entry {
  /** As it is imported, such as `@longtake/runtime/link`. */
  readonly name: string
  readonly source: string
}

interface Manifest {
  readonly name: string
  readonly exports?: Record<string, string | { readonly '@longtake/source'?: string }>
}

async function findEntries(): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const group of ['packages', 'apps']) {
    for (const folder of await readdir(join(ROOT, group))) {
      const path = join(ROOT, group, folder)
      const manifest = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as Manifest
      for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
        const source = typeof target === 'object' ? target['@longtake/source'] : undefined
        if (source !== undefined) {
          entries.push({ name: join(manifest.name, subpath), source: join(path, source) })
        }
      }
    }
  }
  return entries
}

/** TypeDoc's own name of an entry point: its path without `index` and extension. */
function moduleName(source: string): string {
  return relative(ROOT, source).replace(/(\/index)?\.ts$/, '')
}
