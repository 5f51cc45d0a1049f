import { expect, test } from 'vitest'
import { licenceCounts, licenceProblems } from './licences.js'

function installed(licenseDeclared: string, name = 'helper') {
  return [{ name, versionInfo: '1.0.0', licenseDeclared }]
}

test.each([
  ['GPL-3.0-only', 'helper 1.0.0 is under GPL-3.0-only, which is not allowed'],
  ['MIT AND GPL-2.0-only', 'helper 1.0.0 is under MIT AND GPL-2.0-only, which is not allowed'],
  ['SEE LICENSE IN EULA', 'helper 1.0.0 is under SEE LICENSE IN EULA, which is not allowed'],
  ['NOASSERTION', 'helper 1.0.0 is under no licence that its metadata names, which is not allowed'],
])('a dependency under %s is refused', (declared, sentence) => {
  expect(licenceProblems(installed(declared))).toEqual([expect.stringContaining(sentence)])
})

test('a choice of licences is allowed where one of them is', () => {
  expect(licenceProblems(installed('(MIT OR GPL-3.0-only) AND ISC'))).toEqual([])
})

test('an exception counts as what it is, not as what its metadata says', () => {
  const binaries = installed('MIT', '@seydx/node-av-linux-x64')
  expect(licenceProblems(binaries)).toEqual([])
  expect([...licenceCounts(binaries)]).toEqual([['GPL-3.0-or-later', 1]])
})
