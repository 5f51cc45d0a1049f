import type { ChangelogFunctions } from '@changesets/types'

/** A change as it was written, without the commit that brought it: changelogs are for those who use the package. */
export const getReleaseLine: ChangelogFunctions['getReleaseLine'] = async ({ summary }) => {
  const [first = '', ...rest] = summary.trim().split('\n')
  return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')
}

/** The releases of this repository that come along, in one line. */
export const getDependencyReleaseLine: ChangelogFunctions['getDependencyReleaseLine'] = async (
  _changesets,
  dependencies,
) => {
  if (dependencies.length === 0) return ''
  const names = dependencies.map(({ name, newVersion }) => `\`${name}\` ${newVersion}`)
  return `- Asks for ${names.join(', ')}`
}
