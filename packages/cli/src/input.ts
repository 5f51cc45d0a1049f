import { stat } from 'node:fs/promises'
import { InvalidOptionError } from '@longtake/core'

/** What a command looks at and is asked. */
export interface Asked {
  /** One video, or one or more still images. */
  readonly files: readonly string[]
  readonly question: string
}

/**
 * Takes the arguments of a command apart: the last one is the question.
 *
 * @throws {InvalidOptionError} If the question is empty, was probably not put in quotes, or is a file.
 */
export async function readAsked(inputs: readonly string[]): Promise<Asked> {
  const files = inputs.slice(0, -1)
  const question = inputs.at(-1) ?? ''
  if (question.trim() === '') throw new InvalidOptionError('question', 'text that is not empty', question)
  for (const file of files.slice(1)) {
    if (await isThere(file)) continue
    const need = 'quotes around it, and before it only files that are there'
    throw new InvalidOptionError('question', need, file)
  }
  if (await isThere(question))
    throw new InvalidOptionError('question', 'a question after the files, in quotes', question)
  return { files, question }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Files as they are opened: several are still images. */
export function asInput(files: readonly string[]): string | readonly string[] {
  const [only = ''] = files
  return files.length === 1 ? only : files
}
