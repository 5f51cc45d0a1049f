import { announce, make, need } from './dom.js'
import { Engine, Failure } from './engine.js'
import { formatTime } from './format.js'
import { showMemory } from './memory.js'
import type { WatchedFacts } from './messages.js'
import { registerOffline } from './offline.js'
import { SAMPLE, SAMPLE_QUESTIONS } from './sample.js'
import { Stages } from './stages.js'
import { Turn } from './turn.js'

const engine = new Engine()
const stages = new Stages()
const question = need('question', HTMLTextAreaElement)
const send = need('send', HTMLButtonElement)
const stopButton = need('stop', HTMLButtonElement)
const fileInput = need('file', HTMLInputElement)

let watched: WatchedFacts | undefined
let turns: Turn[] = []
/** Ends the work under way; none is, where there is none. */
let working: AbortController | undefined

function start(): void {
  need('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    void ask(question.value.trim())
  })
  question.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void ask(question.value.trim())
  })
  stopButton.addEventListener('click', () => working?.abort())
  need('sample', HTMLElement).addEventListener('click', () => void watchSample())
  need('another', HTMLElement).addEventListener('click', () => forget())
  fileInput.addEventListener('change', () => {
    const file = fileInput.files?.[0]
    if (file !== undefined) void watch(file, file.name)
  })
  listenForDrops()
  showExamples()
  void registerOffline()
}

/** Runs one piece of work, with its failure shown as a sentence; undefined where it failed. */
async function work<R>(run: (signal: AbortSignal) => Promise<R>): Promise<R | undefined> {
  if (working !== undefined) return undefined
  const stop = new AbortController()
  working = stop
  showProblem(undefined)
  stopButton.hidden = false
  // Not `disabled`: the keyboard would lose its place.
  send.setAttribute('aria-disabled', 'true')
  try {
    return await run(stop.signal)
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure('PAGE', String(error))
    if (failure.code === 'CANCELLED') announce('Stopped.')
    else showProblem(failure)
    return undefined
  } finally {
    working = undefined
    stages.end()
    if (stopButton === document.activeElement) question.focus()
    stopButton.hidden = true
    send.removeAttribute('aria-disabled')
  }
}

async function watchSample(): Promise<void> {
  await work(async (signal) => {
    stages.begin('Watching the sample')
    const response = await fetch(SAMPLE)
    if (!response.ok) throw new Failure('SAMPLE', 'The sample video could not be loaded.')
    await watchNow(await response.blob(), 'The sample video', signal)
    need('examples', HTMLElement).hidden = false
  })
}

async function watch(video: Blob, name: string): Promise<void> {
  await work(async (signal) => {
    stages.begin(`Watching ${name}`)
    return watchNow(video, name, signal)
  })
}

async function watchNow(video: Blob, name: string, signal: AbortSignal): Promise<void> {
  forget()
  const onStep = stages.show.bind(stages)
  await engine.load({ onStep, signal })
  stages.show({ stage: 'load', done: 1, total: 1 })
  const { facts, wasmBytes } = await engine.watch(video, { onStep, signal })
  watched = facts
  need('chooser', HTMLElement).hidden = true
  need('video', HTMLElement).hidden = false
  need('video-name', HTMLElement).textContent = name
  const { durationSeconds, width, height, frames } = facts
  const size = `${width} × ${height}`
  need('video-facts', HTMLElement).textContent =
    `${formatTime(durationSeconds)} · ${size} · ${frames} frames watched`
  announce(`${name} has been watched. Ask a question.`)
  question.focus()
  void showMemory(wasmBytes)
}

async function ask(text: string): Promise<void> {
  if (working !== undefined) return
  const facts = watched
  if (facts === undefined) return showProblem(new Failure('NO_VIDEO', 'Choose a video first, or the sample.'))
  if (text === '') return showProblem(new Failure('NO_QUESTION', 'Write a question first.'))
  const turn = new Turn(text)
  const evidence = await work((signal) => engine.answer(text, { onText: (piece) => turn.say(piece), signal }))
  if (evidence === undefined) return turn.remove()
  turns.push(turn)
  turn.end(evidence, facts.durationSeconds)
  question.value = ''
}

/** Another video: what was asked about this one goes away with it. */
function forget(): void {
  watched = undefined
  for (const turn of turns) turn.remove()
  turns = []
  fileInput.value = ''
  need('chooser', HTMLElement).hidden = false
  need('video', HTMLElement).hidden = true
  need('examples', HTMLElement).hidden = true
}

function showExamples(): void {
  for (const text of SAMPLE_QUESTIONS) {
    const button = make('button', { type: 'button', className: 'example' }, text)
    button.addEventListener('click', () => void ask(text))
    need('examples', HTMLElement).append(button)
  }
}

function listenForDrops(): void {
  const { body } = document
  const over = (event: DragEvent): void => {
    event.preventDefault()
    body.classList.toggle('dropping', event.type === 'dragover')
  }
  body.addEventListener('dragover', over)
  body.addEventListener('dragleave', over)
  body.addEventListener('drop', (event) => {
    over(event)
    const file = event.dataTransfer?.files[0]
    if (file !== undefined) void watch(file, file.name)
  })
}

function showProblem(failure: Failure | undefined): void {
  need('problem', HTMLElement).hidden = failure === undefined
  const title = failure?.code.startsWith('VIDEO_') ? 'This video cannot be watched' : 'That did not work'
  need('problem-title', HTMLElement).textContent = failure === undefined ? '' : title
  need('problem-text', HTMLElement).textContent = failure?.message ?? ''
}

start()
