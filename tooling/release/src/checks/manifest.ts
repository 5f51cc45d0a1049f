import type { Tarball } from '../tarball.js'
import type { Check, CheckContext } from './check.js'

const REPOSITORY = 'git+https://github.com/longtake/longtake.git'
const NODE_FLOOR = '>=20.19.0'
/** Scripts that npm runs on the machine of whoever installs the package. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

/** What a registry and its readers are told about the package. */
export const manifestCheck: Check = {
  name: 'manifest',
  inspect: async (tarball, context) => ({
    measured: '',
    problems: [...fieldProblems(tarball), ...dependencyProblems(tarball, context)],
  }),
}

function fieldProblems({ manifest, directory }: Tarball): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [(manifest.description ?? '') !== '', '`description` is missing'],
    [(manifest.keywords ?? []).length > 0, '`keywords` are missing'],
    [manifest.license === 'Apache-2.0', '`license` has to be "Apache-2.0"'],
    [(manifest.author ?? '') !== '', '`author` is missing'],
    [manifest.homepage?.includes(directory) === true, `\`homepage\` has to lead to ${directory}`],
    [manifest.bugs !== undefined, '`bugs` is missing'],
    [manifest.repository?.url === REPOSITORY, `\`repository.url\` has to be ${REPOSITORY}`],
    [manifest.repository?.directory === directory, `\`repository.directory\` has to be ${directory}`],
    [manifest.type === 'module', '`type` has to be "module"'],
    [manifest.sideEffects !== undefined, '`sideEffects` is missing: bundlers would keep everything'],
    [manifest.engines?.node === NODE_FLOOR, `\`engines.node\` has to be "${NODE_FLOOR}"`],
    [manifest.files !== undefined, '`files` is missing: npm would publish the whole folder'],
    [manifest.publishConfig?.access === 'public', '`publishConfig.access` has to be "public"'],
    [manifest.publishConfig?.provenance === true, '`publishConfig.provenance` has to be true'],
  ]
  const scripts = INSTALL_SCRIPTS.filter((name) => manifest.scripts?.[name] !== undefined)
  return [
    ...rules.flatMap(([holds, problem]) => (holds ? [] : [`package.json: ${problem}.`])),
    ...scripts.map((name) => `package.json: the script \`${name}\` would run on users' machines; remove it.`),
  ]
}

/** Packages of this repository are asked for by the caret range of the version that they have. */
function dependencyProblems({ manifest }: Tarball, { tarballs }: CheckContext): readonly string[] {
  return Object.entries(manifest.dependencies ?? {}).flatMap(([name, range]) => {
    const own = tarballs.find((tarball) => tarball.name === name)
    if (own === undefined) {
      return name.startsWith('@longtake/')
        ? [`package.json: ${name} is never published; do not depend on it.`]
        : []
    }
    const expected = `^${own.manifest.version}`
    return range === expected
      ? []
      : [`package.json: asks for ${name} "${range}"; it has to be "${expected}".`]
  })
}
