import type { Answer, AnswerResult, WatchedVideo } from '@longtake/runtime'
import { describeAnswer } from '../describe.js'
import { readAsked } from '../input.js'
import type { Session } from '../main.js'
import type { ModelFlags } from '../model-options.js'
import { type AnswerFlags, askOptions, type WatchFlags } from '../options.js'
import { checkOutput, type OutputFile, writeOutput } from '../output-file.js'
import { Progress } from '../progress.js'
import { reportAnswer, wholeTime } from '../report.js'
import type { Terminal } from '../terminal.js'
import { prepare, tell, watch } from '../watching.js'

export interface AskFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly json?: boolean
  readonly storyboard?: string
  readonly quiet?: boolean
}

/**
 * `longtake ask`: watches a video, or looks at images, and answers one question.
 *
 * @param inputs - Files, then the question.
 */
export async function ask(inputs: readonly string[], flags: AskFlags, session: Session): Promise<void> {
  const { out, err, signal } = session
  const { json, quiet } = flags
  const { files, question } = await readAsked(inputs)
  const board: OutputFile | undefined =
    flags.storyboard === undefined
      ? undefined
      : { option: 'storyboard', ending: '.png', path: flags.storyboard }
  if (board !== undefined) await checkOutput(board, files)
  const progress = new Progress(err, { quiet })
  await using prepared = await prepare(files, flags, session, progress)
  await using video = await watch(prepared, session, progress, quiet)
  const answer = video.ask(question, askOptions(flags, signal))
  if (!json) await stream(answer, out)
  const result = await answer
  if (json) out.line(JSON.stringify(reportAnswer(flags.model, video, result), null, 2))
  if (!json && !quiet) tellAnswer(err, video, result)
  if (board !== undefined) {
    await writeOutput(board, await video.storyboard())
    if (!quiet) err.line(err.style('dim', `storyboard: ${err.plain(board.path)}`))
  }
}

/** Tells what an answer noted, rests on and took. */
export function tellAnswer(err: Terminal, video: WatchedVideo, result: AnswerResult): void {
  tell(err, result.notes)
  err.line(err.style('dim', describeAnswer(video, result, wholeTime(result))))
}

/** Writes an answer as it comes, and ends its line however it ends. */
export async function stream(answer: Answer, out: Terminal): Promise<void> {
  let isBegun = false
  try {
    for await (const piece of answer) {
      out.write(out.plain(piece))
      isBegun = true
    }
    isBegun = true
  } finally {
    if (isBegun) out.line()
  }
}
