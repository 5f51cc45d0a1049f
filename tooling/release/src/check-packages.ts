import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Check } from './checks/check.js'
import { entrySizeCheck } from './checks/entry-size.js'
import { filesCheck } from './checks/files.js'
import { manifestCheck } from './checks/manifest.js'
import { publintCheck } from './checks/publint.js'
import { tarballSizeCheck } from './checks/tarball-size.js'
import { typesCheck } from './checks/types.js'
import { jsrProblems, purePackages } from './jsr.js'
import { licenceCounts, licenceProblems } from './licences.js'
import { type PublishedPackage, publishedPackages } from './packages.js'
import { billOfMaterials } from './sbom.js'
import { layOut, packAll, type Tarball } from './tarball.js'

const CHECKS: readonly Check[] = [
  manifestCheck,
  filesCheck,
  publintCheck,
  typesCheck,
  tarballSizeCheck,
  entrySizeCheck,
]

export interface CheckRow {
  readonly package: string
  readonly check: string
  readonly ok: boolean
  readonly measured: string
  readonly problems: readonly string[]
}

/** Packs every package that is published and looks at each as whoever installs it gets it. Builds nothing. */
export async function checkPackages(root: string): Promise<readonly CheckRow[]> {
  const packages = await publishedPackages(root)
  const folder = await mkdtemp(join(tmpdir(), 'longtake-tarballs-'))
  try {
    const tarballs = await packAll(packages, folder)
    return [...(await checkTarballs(root, tarballs)), ...(await checkDependencies(root, packages))]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Looks at packages that are packed. */
export async function checkTarballs(
  root: string,
  tarballs: readonly Tarball[],
): Promise<readonly CheckRow[]> {
  const installed = await mkdtemp(join(tmpdir(), 'longtake-packages-'))
  try {
    await layOut(tarballs, installed)
    const rows: CheckRow[] = []
    for (const tarball of tarballs) {
      for (const { name, inspect } of CHECKS) {
        const { measured, problems } = await inspect(tarball, { root, tarballs, installed })
        rows.push({ package: tarball.name, check: name, ok: problems.length === 0, measured, problems })
      }
    }
    return [...rows, ...(await jsrRows(root))]
  } finally {
    await rm(installed, { recursive: true, force: true })
  }
}

async function jsrRows(root: string): Promise<readonly CheckRow[]> {
  const rows: CheckRow[] = []
  for (const item of await purePackages(root)) {
    const problems = await jsrProblems(root, item)
    rows.push({ package: item.name, check: 'jsr', ok: problems.length === 0, measured: '', problems })
  }
  return rows
}

/** Looks at everything that comes along with the packages. */
export async function checkDependencies(
  root: string,
  packages: readonly PublishedPackage[],
): Promise<readonly CheckRow[]> {
  const { packages: installed } = await billOfMaterials(root, packages)
  const problems = licenceProblems(installed)
  const measured = [...licenceCounts(installed)].map(([licence, count]) => `${count} ${licence}`).join(', ')
  return [{ package: 'all dependencies', check: 'licences', ok: problems.length === 0, measured, problems }]
}

/** A line for each package, and the problems below it. */
export function checkTable(rows: readonly CheckRow[]): string {
  const names = [...new Set(rows.map((row) => row.package))]
  return names
    .map((name) => {
      const own = rows.filter((row) => row.package === name)
      const cells = own.map(
        ({ ok, check, measured }) => `${ok ? '✓' : '✗'} ${check}${measured === '' ? '' : `: ${measured}`}`,
      )
      const problems = own.flatMap((row) => row.problems.map((problem) => `    ${problem}`))
      return [name, ...cells.map((cell) => `  ${cell}`), ...problems].join('\n')
    })
    .join('\n')
}
