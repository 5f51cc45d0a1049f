import { InvalidOptionError } from '@longtake/core'
import { exceptionFor } from './licences.js'
import type { PublishedPackage } from './packages.js'
import { run } from './run.js'

export interface SbomPackage {
  readonly name: string
  readonly versionInfo: string
  /** As its own metadata says; `NOASSERTION` where that says nothing. */
  readonly licenseDeclared: string
}

/** A bill of materials in SPDX, as `npm sbom` writes it. */
export interface Sbom {
  readonly packages: readonly SbomPackage[]
}

/** Everything that an install of the packages brings, by the lock file; other platforms' binaries included. */
export async function billOfMaterials(
  root: string,
  packages: readonly Pick<PublishedPackage, 'name'>[],
): Promise<Sbom> {
  const chosen = packages.map(({ name }) => `--workspace=${name}`)
  const args = ['sbom', '--sbom-format=spdx', '--omit=dev', '--package-lock-only', ...chosen]
  const sbom: unknown = JSON.parse(await run('npm', args, { cwd: root }))
  if (!isSbom(sbom)) throw new InvalidOptionError('npm sbom', 'a list of packages', sbom)
  // What is known better than the metadata says it; SPDX has a field for that.
  const packagesFound = sbom.packages.map((item) => {
    const known = exceptionFor(item.name)
    return known === undefined
      ? item
      : { ...item, licenseConcluded: known.licence, licenseComments: known.reason }
  })
  return { ...sbom, packages: packagesFound }
}

function isSbom(value: unknown): value is Sbom {
  return typeof value === 'object' && value !== null && 'packages' in value && Array.isArray(value.packages)
}
