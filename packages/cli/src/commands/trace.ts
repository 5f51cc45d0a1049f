import { InvalidOptionError } from '@longtake/core'
import { isRemoteId } from '@longtake/runtime'
import { readAsked, shownInput } from '../input.js'
import type { Session } from '../main.js'
import type { ModelFlags } from '../model-options.js'
import { type AnswerFlags, askOptions, type WatchFlags } from '../options.js'
import { checkOutput, writeOutput } from '../output-file.js'
import { Progress } from '../progress.js'
import { wholeTime } from '../report.js'
import { tracePage } from '../trace/page.js'
import { laterNotes, prepare, watch } from '../watching.js'
import { stream, tellAnswer } from './ask.js'

export interface TraceFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly out: string
  readonly quiet?: boolean
}

/**
 * `longtake trace`: answers one question and writes a page that shows how the answer came about.
 *
 * @param inputs - Files, then the question.
 */
export async function trace(inputs: readonly string[], flags: TraceFlags, session: Session): Promise<void> {
  const { out, err, signal } = session
  const { quiet, model } = flags
  if (isRemoteId(model))
    throw new InvalidOptionError('id', 'a model of this machine: no other tells how it read', model)
  const { files, question } = await readAsked(inputs)
  const file = { option: 'out', ending: '.html', path: flags.out } as const
  await checkOutput(file, files)
  const progress = new Progress(err, { quiet })
  await using prepared = await prepare(files, flags, session, progress)
  await using video = await watch(prepared, session, progress, quiet)
  const answer = video.ask(question, { ...askOptions(flags, signal), trace: true })
  await stream(answer, out)
  const result = await answer
  if (!quiet) tellAnswer(err, video, result)
  const page = await tracePage({
    files: files.map(shownInput),
    model,
    question,
    answer: result.text,
    facts: video.facts,
    plan: video.plan,
    notes: [...prepared.notes, ...laterNotes(video, prepared.notes), ...result.notes],
    frames: result.frames,
    trace: result.trace,
    milliseconds: wholeTime(result),
    picture: (index) => video.thumbnail(index),
    seen: (index) => video.seen(index),
  })
  await writeOutput(file, page)
  if (!quiet) err.line(err.style('dim', `trace: ${err.plain(file.path)}`))
}
