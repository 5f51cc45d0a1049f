import { KILOBYTE, TARBALL_LIMITS } from '../limits.js'
import type { Check } from './check.js'

/** How much a package is to download. */
export const tarballSizeCheck: Check = {
  name: 'tarball',
  inspect: async ({ name, bytes }) => {
    const size = bytes.byteLength / KILOBYTE
    const limit = TARBALL_LIMITS[name]
    const measured = `${size.toFixed(0)} kB`
    if (limit === undefined) {
      return {
        measured,
        problems: [`${name} has no limit in TARBALL_LIMITS (tooling/release/src/limits.ts); add one.`],
      }
    }
    if (size <= limit) return { measured, problems: [] }
    return {
      measured,
      problems: [
        `The tarball is ${measured}, more than ${limit} kB: look at \`npm pack --dry-run\`, or raise TARBALL_LIMITS.`,
      ],
    }
  },
}
