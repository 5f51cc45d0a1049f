import { wholeProject } from '../install.js'
import type { Place, Project } from '../place.js'
import type { FiftyAnswers } from '../programs/fifty.js'
import { bringQuestions, compareAnswers } from '../questions.js'
import type { Check } from '../row.js'
import { bunProject, denoProject } from '../runtimes.js'

const check = 'the same 50 questions, the same answers'

/** Node's answers are what all others are compared with. */
export function nodeAnswers(place: Place): Promise<FiftyAnswers> {
  return place.once('fifty', async () => answersOf(place, await wholeProject(place), place.tools.node, []))
}

export const questionChecks: readonly Check[] = [
  {
    runtime: 'node 20',
    manager: 'npm',
    check,
    run: async (place) => `${new Set((await nodeAnswers(place)).answers).size} different ones of 50`,
  },
  same('node 24', 'npm', async (place) =>
    answersOf(place, await wholeProject(place), place.tools.node24, []),
  ),
  same('bun', 'bun', async (place) => answersOf(place, await bunProject(place), place.tools.bun, ['run'])),
  same('deno', 'deno, node_modules auto', async (place) =>
    answersOf(place, await denoProject(place, 'auto'), place.tools.deno, ['run', '--quiet', '-A']),
  ),
]

function same(runtime: string, manager: string, answer: (place: Place) => Promise<FiftyAnswers>): Check {
  const run = async (place: Place) => compareAnswers(await answer(place), await nodeAnswers(place))
  return { runtime, manager, check, run }
}

async function answersOf(
  place: Place,
  project: Project,
  program: string,
  words: readonly string[],
): Promise<FiftyAnswers> {
  await bringQuestions(place, project)
  return JSON.parse(await project.run(program, [...words, 'fifty-native.js'])) as FiftyAnswers
}
