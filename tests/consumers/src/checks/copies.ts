import { wholeProject } from '../install.js'
import type { Place } from '../place.js'
import type { Check } from '../row.js'
import { requireSentence } from '../sentence.js'

/** Two copies of core and of the runtime, each with a name of its own. */
const PROGRAM = (video: string) => `
import { readFile } from 'node:fs/promises'
import { InvalidOptionError, isLongtakeError } from '@longtake/core'
import * as otherCore from 'other-core'
import * as ours from '@longtake/runtime'
import * as other from 'other-runtime'
import { LinkCache } from 'other-runtime/link'
const require = (isTrue, what) => { if (!isTrue) throw new Error(what) }

const error = new otherCore.InvalidOptionError('frames', 'a count', -1)
require(!(error instanceof InvalidOptionError), 'these are no two copies')
require(isLongtakeError(error) && error.code === 'INVALID_OPTION', 'an error of the other copy is not known')

// What one copy has opened, the other watches.
const bytes = await readFile('${video}')
const answers = []
for (const [mine, theirs] of [[ours, other], [other, ours]]) {
  const longtake = await mine.load('@longtake/tiny')
  const link = await theirs.openLink('data:video/mp4;base64,' + bytes.toString('base64'))
  const video = await longtake.watch(link)
  const { text, frames } = await video.ask('When does the yellow star come?')
  answers.push(text)
  require(theirs.mattered(frames.map(({ weight }) => weight)).length > 0, 'no frame mattered')
  await longtake.close()
}
require(answers.join() === 'start,start', 'other answers: ' + answers)

const cache = new LinkCache({ folder: 'links' })
const refusal = await ours.openLink('https://example.com/a.mp4', { cache }).catch((error) => error)
require(isLongtakeError(refusal), 'a cache of the other copy is not refused')
console.log(refusal.message)
`

export const copyChecks: readonly Check[] = [
  {
    runtime: 'node 20',
    manager: 'npm',
    check: 'two copies of core and runtime at once',
    run: async (place: Place) => {
      const project = await wholeProject(place)
      const program = PROGRAM(place.repository('tests/data/demo/0000.mp4'))
      const said = await project.run(place.tools.node, ['--input-type=module', '--eval', program])
      return requireSentence(said, /LinkCache.*npm ls @longtake\/runtime/)
    },
  },
]
