import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core'
import type { Check } from './check.js'

/**
 * Are the types wrong? As for a package that is ES modules only: `require` under `node16` and resolution as in Node 10
 * do not count.
 */
export const typesCheck: Check = {
  name: 'types',
  inspect: async (tarball) => {
    const result = await checkPackage(createPackageFromTarballData(tarball.bytes))
    if (result.types === false) {
      const needed = tarball.files.has('dist/index.js')
      return {
        measured: 'none',
        problems: needed ? ['dist/index.js has no types; build dist/index.d.ts.'] : [],
      }
    }
    return { measured: '', problems: result.problems.filter(counts).map(sentence) }
  },
}

function counts(problem: Problem): boolean {
  if (problem.kind === 'CJSResolvesToESM') return false
  return !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind)
}

function sentence(problem: Problem): string {
  const { kind, ...details } = problem
  return `Types are wrong (${kind}): ${JSON.stringify(details)}. See https://github.com/arethetypeswrong/arethetypeswrong.github.io/tree/main/docs/problems.`
}
