import { forgetVideo, key, models, type Video } from './api.js'
import { Chooser } from './chooser.js'
import { announce, make, need } from './dom.js'
import { Failure, type Problem, problemOf } from './failure.js'
import { Stages } from './stages.js'
import type { Sheet } from './strip.js'
import { Turn } from './turn.js'
import { watchVideo } from './watch.js'

const needsKey = document.documentElement.dataset.keys === 'needed'
const stages = new Stages()
const chooser = new Chooser(() => change())
const keyInput = need('key', HTMLInputElement)
const modelSelect = need('model', HTMLSelectElement)
const question = need('question', HTMLTextAreaElement)
const send = need('send', HTMLButtonElement)
const problem = need('problem', HTMLElement)

/** The video that questions are about. */
let video: Video | undefined
/** Its storyboards; the browser holds them until they are let go. */
let sheets: Sheet[] = []
/** Ends what is going on; nothing is, where there is none. */
let working: AbortController | undefined

function start(): void {
  need('key-field', HTMLElement).hidden = !needsKey
  keyInput.value = key.get()
  keyInput.addEventListener('change', () => {
    key.set(keyInput.value.trim())
    void listModels()
  })
  need('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    void askNow()
  })
  question.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    need('form', HTMLFormElement).requestSubmit()
  })
  question.addEventListener('input', () => setQuestion(question.value))
  need('stop', HTMLButtonElement).addEventListener('click', () => working?.abort())
  need('another', HTMLButtonElement).addEventListener('click', () => {
    change()
    chooser.focus()
  })
  modelSelect.addEventListener('change', () => change())
  if (!needsKey || key.get() !== '') void listModels()
}

/** A choice is shown only where there is one. */
async function listModels(): Promise<void> {
  const names = await models().catch(() => [])
  modelSelect.replaceChildren(...names.map((name) => make('option', { value: name }, name)))
  need('model-field', HTMLElement).hidden = names.length < 2
}

/** Another video: what was asked about this one goes away with it. */
function change(): void {
  working?.abort()
  if (working !== undefined) end()
  if (video !== undefined) forgetVideo(video.id)
  video = undefined
  for (const { url } of sheets) URL.revokeObjectURL(url)
  sheets = []
  need('turns', HTMLElement).replaceChildren()
  chooser.show(undefined)
  showProblem(undefined)
}

async function askNow(): Promise<void> {
  if (working !== undefined) return
  const text = question.value.trim()
  showProblem(undefined)
  if (needsKey) key.set(keyInput.value.trim())
  if (needsKey && key.get() === '') {
    showProblem(mistake('key', 'Enter your API key first.', 'The operator of this server gives it to you.'))
    return
  }
  const chosen = video === undefined ? chooser.read() : undefined
  if (chosen !== undefined && 'mistake' in chosen) {
    showProblem(mistake('video', chosen.mistake, 'Then ask your question.'))
    return
  }
  if (text === '') {
    showProblem(mistake('question', 'Write a question first.', 'For example: what happens at the end?'))
    return
  }
  await work(text, chosen?.source)
}

/** @param source - To be watched first; nothing where the question is about the video that is there. */
async function work(text: string, source: string | File | undefined): Promise<void> {
  const stop = new AbortController()
  begin(stop)
  const turn = new Turn(text)
  try {
    if (source !== undefined) {
      chooser.show('pending')
      const watched = await watchVideo(source, modelSelect.value || undefined, stages, stop.signal)
      stop.signal.throwIfAborted()
      video = watched
      chooser.show(video)
    } else stages.begin('Reading the question', true)
    if (video === undefined) return
    const sheet = await turn.run(video, text, stages, stop.signal)
    if (sheet !== undefined) sheets.push(sheet)
  } catch (error) {
    if (working === stop) fail(error, turn, text, stop.signal)
  } finally {
    if (working === stop) end()
  }
}

function begin(stop: AbortController): void {
  working = stop
  setQuestion('')
  need('stop', HTMLElement).hidden = false
  // Not `disabled`: the keyboard would lose its place.
  send.setAttribute('aria-disabled', 'true')
}

function end(): void {
  working = undefined
  stages.end()
  const button = need('stop', HTMLElement)
  if (button === document.activeElement) question.focus()
  button.hidden = true
  send.removeAttribute('aria-disabled')
}

/** The field grows with what is in it. */
function setQuestion(text: string): void {
  if (question.value !== text) question.value = text
  question.style.height = 'auto'
  if (text !== '') question.style.height = `${question.scrollHeight + 2}px`
}

function fail(error: unknown, turn: Turn, text: string, signal: AbortSignal): void {
  turn.abandon()
  if (question.value === '') setQuestion(text)
  if (signal.aborted) {
    if (video === undefined) chooser.show(undefined)
    announce('Stopped.')
    question.focus()
    return
  }
  if (error instanceof Failure && (error.code === 'video_not_found' || error.code === 'link_changed')) {
    video = undefined
  }
  if (video === undefined) chooser.show(undefined)
  if (!(error instanceof Failure)) console.error(error)
  showProblem(problemOf(error))
}

function mistake(about: Problem['about'], title: string, advice: string): Problem {
  return { title, text: '', advice, about }
}

/** Says what is wrong and what to do, and leads to where it can be done. */
function showProblem(shown: Problem | undefined): void {
  const fields = { video: need('link', HTMLInputElement), key: keyInput, question }
  for (const field of Object.values(fields)) field.removeAttribute('aria-invalid')
  problem.hidden = shown === undefined
  need('problem-title', HTMLElement).textContent = shown?.title ?? ''
  need('problem-text', HTMLElement).textContent = shown?.text ?? ''
  need('problem-advice', HTMLElement).textContent = shown?.advice ?? ''
  if (shown?.about === undefined) return
  const field = fields[shown.about]
  field.setAttribute('aria-invalid', 'true')
  field.focus()
}

start()
