import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiReports, reportProblems } from './api-reports.js'
import { checkDependencies, checkTarballs } from './check-packages.js'
import { guardTree } from './guard.js'
import { type PublishedPackage, publishedPackages } from './packages.js'
import { type PublishOptions, publishAll, unpublished } from './publish.js'
import { ReleaseError } from './release-error.js'
import { run } from './run.js'
import { billOfMaterials } from './sbom.js'
import { packAll, type Tarball } from './tarball.js'

/** Where a release leaves what it published: tarballs and the bill of materials. Not committed. */
const FOLDER = 'release'

/**
 * Checks, builds from clean, checks what was packed, and publishes exactly that. Run again after a failure, it goes on
 * where it stopped. Tests are CI's: it passed for what is on the release branch.
 *
 * @throws {ReleaseError} If anything is not as it should be; nothing is published then.
 */
export async function release(root: string, options: PublishOptions): Promise<readonly Tarball[]> {
  const { onStep } = options
  await guardTree(root)
  onStep('checking sources')
  await run('npm', ['run', '-s', 'check'], { cwd: root, shown: true })
  onStep('building from clean')
  await run('npm', ['run', '-s', 'build:clean'], { cwd: root, shown: true })
  onStep('checking what users will get')
  const packages = await publishedPackages(root)
  const tarballs = await packForRelease(root, packages)
  await refuseProblems(root, packages, tarballs)
  const missing = await unpublished(tarballs)
  await publishAll(missing, options)
  // The same as `changeset publish` would set, for those who look for the source of a version.
  if (!options.dryRun) await run('npx', ['changeset', 'tag'], { cwd: root, shown: true })
  return missing
}

async function packForRelease(
  root: string,
  packages: readonly PublishedPackage[],
): Promise<readonly Tarball[]> {
  const folder = join(root, FOLDER)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const sbom = await billOfMaterials(root, packages)
  await writeFile(join(folder, 'sbom.spdx.json'), `${JSON.stringify(sbom, null, 2)}\n`)
  return await packAll(packages, folder)
}

async function refuseProblems(
  root: string,
  packages: readonly PublishedPackage[],
  tarballs: readonly Tarball[],
): Promise<void> {
  const rows = [...(await checkTarballs(root, tarballs)), ...(await checkDependencies(root, packages))]
  const problems = [
    ...rows.flatMap((row) => row.problems.map((problem) => `${row.package}: ${problem}`)),
    ...reportProblems(await apiReports({ root, write: false })),
  ]
  if (problems.length > 0) throw new ReleaseError(`Nothing was published:\n${problems.join('\n')}`)
}
