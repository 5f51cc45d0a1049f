import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
  type IConfigFile,
  type IExtractorMessagesConfig,
} from '@microsoft/api-extractor'
import { moduleEntries } from './manifest.js'
import { type PublishedPackage, publishedPackages } from './packages.js'

/** Where the reports lie, relative to the repository. */
const FOLDER = 'etc/api'

const COMPILER = {
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  target: 'ES2023',
  lib: ['ES2023', 'ESNext.Disposable'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
}

/** Style is Biome's, and comments are read by people; what counts are types that cannot be imported. */
const MESSAGES: IExtractorMessagesConfig = {
  compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
  extractorMessageReporting: {
    default: { logLevel: ExtractorLogLevel.None },
    'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning },
  },
  tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
}

export interface ReportRow {
  /** Such as `@longtake/runtime/link`; undefined where the report is of one that is gone. */
  readonly entry: string | undefined
  /** Relative to the repository. */
  readonly report: string
  readonly changed: boolean
  /** Types that public declarations speak of, and that nobody can import. */
  readonly hidden: readonly string[]
}

export interface ReportOptions {
  readonly root: string
  /** `true` writes the reports, `false` compares with those that are there. */
  readonly write: boolean
}

/** Describes what every entry exports, by its declarations in `dist`: a change of it shows as a change of a text. */
export async function apiReports({ root, write }: ReportOptions): Promise<readonly ReportRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'longtake-api-'))
  try {
    await mkdir(join(root, FOLDER), { recursive: true })
    const packages = await publishedPackages(root)
    const rows = packages.flatMap((item) => {
      const reports = packageReports(item, { root, write, scratch })
      return reports.map((row) => ({ ...row, hidden: unreachable(row, reports, scratch) }))
    })
    return [...rows, ...(await leftovers(root, rows, write))]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function packageReports(
  item: PublishedPackage,
  options: ReportOptions & { readonly scratch: string },
): readonly ReportRow[] {
  const entries = [...moduleEntries(item.manifest)].map(([subpath, file]) => ({
    subpath,
    declarations: join(item.folder, file.replace(/\.js$/, '.d.ts')),
  }))
  const configs = entries.map(({ subpath, declarations }) =>
    extractorConfig(item, reportName(item.name, subpath), declarations, options),
  )
  const [first] = configs
  if (first === undefined) return []
  // One program for all entries of the package.
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: entries.map(({ declarations }) => declarations),
  })
  const found = configs.map((config) => {
    const hidden: string[] = []
    const result = Extractor.invoke(config, {
      compilerState,
      localBuild: options.write,
      messageCallback: (message) => takeMessage(message, hidden),
    })
    return { changed: result.apiReportChanged, hidden }
  })
  return found.map(({ changed, hidden }, index) => ({
    entry: join(item.name, entries[index]?.subpath ?? ''),
    report: `${FOLDER}/${reportName(item.name, entries[index]?.subpath ?? '')}`,
    changed,
    hidden,
  }))
}

/** Names that no entry of the package exports; one that another entry exports can be imported from there. */
function unreachable(
  { hidden }: ReportRow,
  reports: readonly ReportRow[],
  scratch: string,
): readonly string[] {
  const texts = reports.map(({ report }) => readFileSync(join(scratch, basename(report)), 'utf8'))
  return hidden.filter((name) => {
    const exported = new RegExp(`^export .*\\b(class|interface|type|function|const) ${name}\\b`, 'm')
    return !texts.some((text) => exported.test(text))
  })
}

/** `@longtake/runtime`, `./link` → `runtime.link.api.md`. */
function reportName(name: string, subpath: string): string {
  return `${join(name.replace('@longtake/', ''), subpath).replaceAll('/', '.')}.api.md`
}

function extractorConfig(
  { folder }: PublishedPackage,
  report: string,
  declarations: string,
  { root, scratch }: { readonly root: string; readonly scratch: string },
): ExtractorConfig {
  const configObject: IConfigFile = {
    projectFolder: folder,
    mainEntryPointFilePath: declarations,
    newlineKind: 'lf',
    compiler: { overrideTsconfig: { compilerOptions: COMPILER, files: [declarations] } },
    apiReport: {
      enabled: true,
      reportFileName: report,
      reportFolder: join(root, FOLDER),
      reportTempFolder: scratch,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: MESSAGES,
  }
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
}

function takeMessage(message: ExtractorMessage, hidden: string[]): void {
  const symbol = /^The symbol "(.+?)" needs to be exported/.exec(message.text)?.[1]
  if (message.messageId === 'ae-forgotten-export' && symbol !== undefined)
    hidden.push(symbol.replace(/_\d+$/, ''))
  // Errors go where Extractor puts them; all else is told by the rows.
  if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true
}

/** Reports of entries that are gone. */
async function leftovers(
  root: string,
  rows: readonly ReportRow[],
  write: boolean,
): Promise<readonly ReportRow[]> {
  const known = new Set(rows.map(({ report }) => report))
  const files = await readdir(join(root, FOLDER))
  const gone = files.map((name) => `${FOLDER}/${name}`).filter((report) => !known.has(report))
  if (write) await Promise.all(gone.map((report) => rm(join(root, report))))
  return gone.map((report) => ({ entry: undefined, report, changed: true, hidden: [] }))
}

/** A sentence for each report that is not as it was, and for each type that is named and cannot be imported. */
export function reportProblems(rows: readonly ReportRow[]): readonly string[] {
  return rows.flatMap(({ entry, report, changed, hidden }) => [
    ...(changed
      ? [`${report} ${reason(entry)}: run \`npm run -s api-reports -- --write\` and commit it.`]
      : []),
    ...hidden.map((name) => `${entry} speaks of ${name}, which nobody can import: export the type.`),
  ])
}

function reason(entry: string | undefined): string {
  return entry === undefined ? 'is of an entry that is gone' : `is not what ${entry} exports now`
}
