import parse, { type Info } from 'spdx-expression-parse'
import type { SbomPackage } from './sbom.js'

/** Licences that ask for no more than a notice, or for changes to the same files (MPL). */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'Unlicense',
])

interface LicenceException {
  readonly name: RegExp
  /** What the package is under, whatever its metadata says. */
  readonly licence: string
  readonly reason: string
}

/** Packages that were looked at by a person; each has its paragraph in docs/dependencies.md. */
const EXCEPTIONS: readonly LicenceException[] = [
  {
    name: /^@seydx\/node-av-/,
    licence: 'GPL-3.0-or-later',
    reason:
      'FFmpeg is linked into the binary with --enable-gpl --enable-version3; npm fetches it from its publisher.',
  },
  {
    name: /^@shinyoshiaki\/jspack$/,
    licence: 'BSD-3-Clause',
    reason: 'The metadata names none; its LICENSE file is BSD-3-Clause.',
  },
]

export function exceptionFor(name: string): LicenceException | undefined {
  return EXCEPTIONS.find((exception) => exception.name.test(name))
}

/** A sentence for each package whose licence is not allowed and was not looked at. */
export function licenceProblems(packages: readonly SbomPackage[]): readonly string[] {
  return packages
    .filter(({ name, licenseDeclared }) => exceptionFor(name) === undefined && !isAllowed(licenseDeclared))
    .map(
      ({ name, versionInfo, licenseDeclared }) =>
        `${name} ${versionInfo} is under ${licenseDeclared === 'NOASSERTION' ? 'no licence that its metadata names' : licenseDeclared}, which is not allowed: replace it, or write down why it may stay (tooling/release/src/licences.ts, docs/dependencies.md).`,
    )
}

function isAllowed(declared: string): boolean {
  try {
    return holds(parse(declared))
  } catch {
    // Not an expression of SPDX, such as "SEE LICENSE IN …".
    return false
  }
}

function holds(info: Info): boolean {
  if ('license' in info) return ALLOWED.has(info.license)
  return info.conjunction === 'or'
    ? holds(info.left) || holds(info.right)
    : holds(info.left) && holds(info.right)
}

/** How many packages are under each licence, most first. */
export function licenceCounts(packages: readonly SbomPackage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { name, licenseDeclared } of packages) {
    const licence = exceptionFor(name)?.licence ?? licenseDeclared
    counts.set(licence, (counts.get(licence) ?? 0) + 1)
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a))
}
