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
    return { measured: '', problems: [...new Set(result.problems.filter(counts).map(sentence))] }
  },
}

function counts(problem: Problem): boolean {
  if (problem.kind === 'CJSResolvesToESM') return false
  if ('resolutionOption' in problem) return problem.resolutionOption !== 'node10'
  return !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind)
}

function sentence(problem: Problem): string {
  const places = [
    'fileName' in problem && problem.fileName,
    'moduleSpecifier' in problem && `names "${problem.moduleSpecifier}"`,
    'entrypoint' in problem && `"${problem.entrypoint}"`,
    'resolutionKind' in problem && `resolved as ${problem.resolutionKind}`,
  ]
  const place = places.filter((part) => part !== false).join(' ')
  return `Types are wrong (${problem.kind}): ${place}. See https://arethetypeswrong.github.io.`
}
