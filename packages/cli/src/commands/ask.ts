import { InvalidOptionError } from '@longtake/core'
import type { Answer } from '@longtake/runtime'
import { describeAnswer } from '../describe.js'
import type { Session } from '../main.js'
import { type AnswerFlags, askOptions, type ModelFlags, type WatchFlags } from '../options.js'
import { Progress } from '../progress.js'
import { reportAnswer, wholeTime } from '../report.js'
import { checkPicturePath, writePicture } from '../storyboard-file.js'
import type { Terminal } from '../terminal.js'
import { prepare, watch } from '../watching.js'

export interface AskFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly json?: boolean
  readonly storyboard?: string
  readonly quiet?: boolean
}

/** `longtake ask`: watches a video and answers one question. */
export async function ask(file: string, question: string, flags: AskFlags, session: Session): Promise<void> {
  const { out, err, signal } = session
  const { json, storyboard, quiet } = flags
  if (question.trim() === '') throw new InvalidOptionError('question', 'text that is not empty', question)
  if (storyboard !== undefined) await checkPicturePath(storyboard)
  const progress = new Progress(err, { quiet })
  await using prepared = await prepare(file, flags, session, progress)
  await using video = await watch(file, prepared, session, progress, quiet)
  const answer = video.ask(question, askOptions(flags, signal))
  if (!json) await stream(answer, out)
  const result = await answer
  if (json) out.line(JSON.stringify(reportAnswer(flags.model, video, result), null, 2))
  if (!json && !quiet) err.line(err.style('dim', describeAnswer(video.plan, result, wholeTime(result))))
  if (storyboard !== undefined) {
    await writePicture(storyboard, await video.storyboard())
    if (!quiet) err.line(err.style('dim', `storyboard: ${err.plain(storyboard)}`))
  }
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
