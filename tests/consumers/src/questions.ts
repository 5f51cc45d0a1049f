import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place, Project } from './place.js'
import type { AskedVideo, FiftyAnswers } from './programs/fifty.js'
import { bringPrograms } from './programs.js'

/** Puts the videos, the questions and the compiled programs into a project. */
export async function bringQuestions(place: Place, project: Project): Promise<void> {
  const data = place.repository('tests/data/demo')
  const { videos } = JSON.parse(await readFile(join(data, 'questions.json'), 'utf8')) as {
    videos: { file: string; questions: { text: string }[] }[]
  }
  const asked: AskedVideo[] = videos.map(({ file, questions }) => ({
    file,
    questions: questions.map(({ text }) => text),
  }))
  await project.write('videos.json', JSON.stringify(asked))
  for (const { file } of asked) await copyFile(join(data, file), join(project.folder, file))
  await bringPrograms(project)
}

/** Farthest that a logit of the first token of an answer may be from Node's: sums in float32, in another order. */
const LOGIT_TOLERANCE = 2e-3

/** Refuses answers that are not the same, word for word, and tells how far the logits are apart. */
export function compareAnswers(got: FiftyAnswers, reference: FiftyAnswers): string {
  const { answers, logits } = reference
  const other = answers.flatMap((answer, index) =>
    got.answers[index] === answer ? [] : [`${index + 1}: ${got.answers[index]}, not ${answer}`],
  )
  if (got.answers.length !== answers.length || other.length > 0) throw new Error(`Other answers: ${other}`)
  const apart = logits.flatMap((row, at) =>
    row.map((value, id) => Math.abs(value - (got.logits[at]?.[id] ?? Number.NaN))),
  )
  const most = Math.max(...apart)
  if (!(most <= LOGIT_TOLERANCE)) throw new Error(`Logits are ${most} apart, more than ${LOGIT_TOLERANCE}.`)
  return `${answers.length} answers, logits at most ${most.toExponential(1)} apart`
}
