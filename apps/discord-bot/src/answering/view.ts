import type { Draft, DraftFile } from '../discord/draft.js'
import type { EngineProgress } from '../engine/engine.js'
import type { Outcome, Question } from '../store/question.js'
import { formatMoment, momentLink } from '../text/moments.js'
import { plainText, safeLine, safePiece, safeText } from '../text/safe-text.js'
import { splitText } from '../text/split-text.js'
import { failureOf } from '../texts/failures.js'
import { LANGUAGES, type Texts } from '../texts/texts.js'
import { type ButtonAction, buttonsOf } from './buttons.js'

/** https://discord.com/developers/docs/resources/message#create-message-jsonform-params */
const MOST_CHARACTERS = 2000
const QUESTION_CHARACTERS = 200
const NAME_CHARACTERS = 40
/** Of a text that is still being written its end is shown. */
const STREAMED_CHARACTERS = 700
/** An answer in more messages would bury the channel: it is attached as a file. */
const MOST_MESSAGES = 3
const ANSWER_CHARACTERS = 100_000

/** How far a question is. */
export type Stage =
  | { readonly type: 'accepted' }
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'running'; readonly progress: EngineProgress | undefined; readonly isAgain: boolean }

/** An answer as messages: the first one, and those that it goes on in. */
export interface Composed {
  readonly first: Draft
  readonly rest: readonly Draft[]
}

/** What is shown while a question waits or is worked on. */
export function stageDraft(question: Question, stage: Stage, text: string): Draft {
  const texts = LANGUAGES[question.language]
  const tail = text.length > STREAMED_CHARACTERS ? `…${text.slice(-STREAMED_CHARACTERS)}` : text
  const lines = [safeText(tail, STREAMED_CHARACTERS + 1), small(stageText(stage, texts))]
  return draft(question, header(question, texts), lines, ['cancel'])
}

function stageText(stage: Stage, texts: Texts): string {
  if (stage.type === 'accepted') return texts.accepted
  if (stage.type === 'queued') return texts.queued(stage.position)
  const { progress, isAgain } = stage
  if (progress === undefined) return isAgain ? texts.again : texts.stages.open
  const { stage: name, done, total } = progress
  const share = total > 1 ? ` ${Math.min(100, Math.round((done / total) * 100))} %` : ' …'
  return `${texts.stages[name]}${share}`
}

/** What is shown when nothing comes any more. */
export function endDraft(question: Question, text: string): Draft {
  return draft(question, header(question, LANGUAGES[question.language]), [text], ['delete'])
}

/** Why a question failed, in words. */
export function failureText(question: Question, code: string): string {
  return LANGUAGES[question.language].failed[failureOf(code, question.video.type === 'attachment')]
}

/**
 * @param mayPost - Whether the answer may go on in further messages.
 * @param storyboard - PNG, where it is to be attached.
 */
export function compose(
  question: Question,
  outcome: Extract<Outcome, { type: 'answered' }>,
  mayPost: boolean,
  storyboard: Uint8Array | undefined,
): Composed {
  const texts = LANGUAGES[question.language]
  const files = storyboard === undefined ? [] : [storyboardFile(outcome, storyboard, texts)]
  const actions: ButtonAction[] = question.kind === 'ask' ? ['more', 'frames', 'delete'] : ['delete']
  if (question.kind === 'watch') {
    const text = texts.watched(formatMoment(outcome.durationSeconds), outcome.frames)
    return { first: { ...draft(question, header(question, texts), [text], actions), files }, rest: [] }
  }
  const [head, foot] = [header(question, texts), small(footer(question, outcome, texts))]
  const room = MOST_CHARACTERS - head.length - foot.length - 4
  const answer = safeText(outcome.text, ANSWER_CHARACTERS) || texts.empty
  const build = (body: string, extra: readonly DraftFile[]): Draft => ({
    ...draft(question, head, [body, foot], actions),
    files: [...files, ...extra],
  })
  if (answer.length <= room) return { first: build(answer, []), rest: [] }
  const [start = ''] = splitText(answer, room - texts.continued.length - 6)
  const further = splitText(answer.slice(start.length), MOST_CHARACTERS - 1).map(safePiece)
  if (mayPost && further.length < MOST_MESSAGES) {
    const rest = further.map((content) => ({ content, buttons: [], files: [] }))
    return { first: build(`${start}\n${small(texts.continued)}`, []), rest }
  }
  return { first: attached(outcome.text, answer, room, texts, build), rest: [] }
}

function attached(
  text: string,
  safe: string,
  room: number,
  texts: Texts,
  build: (body: string, extra: readonly DraftFile[]) => Draft,
): Draft {
  const [start = ''] = splitText(safe, room - texts.attached.length - 6)
  const data = new TextEncoder().encode(`${plainText(text, ANSWER_CHARACTERS)}\n`)
  const file = { name: 'answer.txt', data, contentType: 'text/plain; charset=utf-8' }
  return build(`${start}\n${small(texts.attached)}`, [file])
}

function storyboardFile(
  { frames, evidence }: Extract<Outcome, { type: 'answered' }>,
  data: Uint8Array,
  texts: Texts,
): DraftFile {
  const moments = evidence.map(({ timestampSeconds }) => formatMoment(timestampSeconds)).join(', ')
  const description = texts.storyboardAlt(frames, moments)
  return { name: 'storyboard.png', data, contentType: 'image/png', description }
}

/** Whoever reads an answer to a command does not see what was asked; a reply shows it by itself. */
function header({ kind, text, userName, place }: Question, texts: Texts): string {
  if (kind === 'watch' || place.type === 'message') return ''
  return texts.asked(safeLine(userName, NAME_CHARACTERS), safeLine(text, QUESTION_CHARACTERS))
}

function footer(
  { video }: Question,
  { evidence, frames, model }: Extract<Outcome, { type: 'answered' }>,
  texts: Texts,
): string {
  const moments = evidence
    .toSorted((a, b) => a.timestampSeconds - b.timestampSeconds)
    .map(({ timestampSeconds }) =>
      momentText(video.type === 'link' ? video.url : undefined, timestampSeconds),
    )
  const rests = moments.length === 0 ? [] : [texts.restsOn(moments.join(' · '))]
  return [...rests, texts.frames(frames), safeLine(model, NAME_CHARACTERS)].join(' · ')
}

function momentText(link: string | undefined, seconds: number): string {
  const moment = formatMoment(seconds)
  const url = link === undefined ? undefined : momentLink(link, seconds)
  // In angle brackets a link shows no preview.
  return url === undefined ? moment : `[${moment}](<${url}>)`
}

/** Discord's small text: https://support.discord.com/hc/en-us/articles/210298617 */
function small(text: string): string {
  return `-# ${text}`
}

/** @param head - What was asked, with a blank line below it; empty where the message shows it otherwise. */
function draft(
  question: Question,
  head: string,
  lines: readonly string[],
  actions: readonly ButtonAction[],
): Draft {
  const shown = (parts: readonly string[], between: string): string =>
    parts.filter((part) => part !== '').join(between)
  const content = shown([head, shown(lines, '\n')], '\n\n')
  return {
    content: content.length > MOST_CHARACTERS ? `${content.slice(0, MOST_CHARACTERS - 1)}…` : content,
    buttons: buttonsOf(question.id, actions, LANGUAGES[question.language]),
    files: [],
  }
}
