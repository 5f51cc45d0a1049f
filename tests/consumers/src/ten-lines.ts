import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { wholeProject } from './install.js'
import type { Place } from './place.js'

/** A question that the embedded model answers right, and the file that it is about. */
const VIDEO = 'tests/data/demo/0000.mp4'
const QUESTION = 'When does the yellow star come?'
const ANSWER = 'start'

/** The ten lines of the README as they stand there, about a video that there is, telling what came of them. */
export async function tenLines(place: Place): Promise<string> {
  const readme = await readFile(place.repository('README.md'), 'utf8')
  const code = readme.match(/## In ten lines\n+```ts\n([^`]*)```/)?.[1]
  if (code === undefined) throw new Error('The README has no ten lines.')
  const filled = code
    .replace("'talk.mp4'", JSON.stringify(place.repository(VIDEO)))
    .replace("'What number is on the blue square?'", JSON.stringify(QUESTION))
  if (!filled.includes(QUESTION) || !filled.includes(basename(VIDEO))) {
    throw new Error('The ten lines of the README name another video or question than this check knows.')
  }
  return `${filled}
const looked = frames.filter(({ weight }) => weight > 0).length
console.log('\\n' + JSON.stringify({ looked, tokens: usage.completionTokens, numbers: Object.values(timings).length }))
`
}

/** The ten lines as TypeScript's compiler gives them to a Node that does not know `await using`. */
export function compiledTenLines(place: Place): Promise<string> {
  return place.once('compiled ten lines', async () => {
    const project = await wholeProject(place)
    await project.write('ten/ten.ts', await tenLines(place))
    await project.write('ten/tsconfig.json', JSON.stringify({ compilerOptions: COMPILER }))
    await project.run(place.tools.node, ['node_modules/typescript/bin/tsc', '-p', 'ten'])
    return readFile(`${project.folder}/ten/ten.js`, 'utf8')
  })
}

const COMPILER = {
  target: 'ES2023',
  lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
  module: 'nodenext',
  strict: true,
  types: ['node'],
}

/** Refuses what the ten lines printed unless it is the answer and its evidence. */
export function checkTenLines(stdout: string): undefined {
  const lines = stdout.trim().split('\n')
  const { looked, tokens, numbers } = JSON.parse(lines.at(-1) ?? '') as Record<string, number>
  if (lines.slice(0, -1).join('\n').trim() !== ANSWER) throw new Error(`Another answer: ${stdout}`)
  if (!looked || !tokens || !numbers) throw new Error(`Evidence is missing: ${stdout}`)
}
