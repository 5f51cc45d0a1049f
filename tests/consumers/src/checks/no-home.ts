import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'
import type { Ended } from '../run.js'
import { requireSentence } from '../sentence.js'

/** Nobody can make a folder there, whatever their rights. */
const READ_ONLY_HOME = '/proc/self'
const QUESTION = 'When does the yellow star come?'

const names = { runtime: 'node 20', manager: 'npm' }

export const homeChecks: readonly Check[] = [
  {
    ...names,
    check: 'a home that cannot be written: answers without a cache',
    run: (place) => askAt(place, READ_ONLY_HOME),
  },
  {
    ...names,
    check: 'no home at all: answers',
    run: (place) => askAt(place, undefined),
  },
  {
    ...names,
    check: 'a home that cannot be written: pull says which variable to set',
    run: async (place) => {
      const { code, stderr } = await longtake(place, READ_ONLY_HOME, ['pull', 'org/name'])
      if (code === 0) throw new Error('It went on.')
      return requireSentence(
        stderr,
        /^error: \/proc\/self\S* cannot be written.*set LONGTAKE_HOME to a folder/m,
      )
    },
  },
]

async function askAt(place: Place, home: string | undefined): Promise<undefined> {
  const video = place.repository('tests/data/demo/0000.mp4')
  const { code, stdout, stderr } = await longtake(place, home, ['ask', video, QUESTION])
  if (code !== 0 || !/^start\b/m.test(stdout)) throw new Error(`${stdout}\n${stderr}`)
  if (home !== undefined) requireSentence(stderr, /cache was not used: .*LONGTAKE_CACHE/)
}

async function longtake(place: Place, home: string | undefined, words: readonly string[]): Promise<Ended> {
  const project = await wholeProject(place)
  const program = ['node_modules/@longtake/cli/bin/longtake.js', ...words]
  // `env -u` leaves the variable out, and not merely empty.
  const changed = home === undefined ? ['-u', 'HOME'] : [`HOME=${home}`]
  return project.try('env', [...changed, place.tools.node, ...program])
}
