/**
 * The demo: questions about real video files, many times longer than the model was trained for.
 *
 * Each video is watched three times: with 8 frames, the length of training; with a frame for each of its shots, by INTP;
 * and by the default plan, whose frames are pooled by what each question asks, by INTP and PPLLaVA together.
 * Run `npm run demo`; `node tooling/demo/demo.js --data DIR --model ID --out DIR` takes other videos or another model.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatTimestamp } from '@longtake/core'
import { load } from '@longtake/runtime'

/** Frames that the embedded model was trained with. */
const TRAINED_FRAMES = 8
/** Widest columns of questions and answers, characters. */
const MAX_QUESTION = 64
const MAX_ANSWER = 24
/** Most tokens of an answer: all of this world's answers are shorter. */
const MAX_TOKENS = 12

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const { env, stdout, stderr } = process
const isTerminal = stdout.isTTY === true && !env.NO_COLOR
const paint = (colour, text) => (isTerminal ? `\u001b[${colour}m${text}\u001b[0m` : text)

const shorten = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text)
const marked = (arm, index) =>
  `${arm.isRight[index] ? '✓' : '✗'} ${shorten(arm.results[index].text.trim(), MAX_ANSWER)}`
const colourMarks = (line) => line.replaceAll('✓', paint(32, '✓')).replaceAll('✗', paint(31, '✗'))
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`

try {
  await demo()
} catch (error) {
  showProgress('')
  const message = error instanceof Error ? error.message : String(error)
  console.error(env.LONGTAKE_DEBUG === '1' ? error : `error: ${message}`)
  process.exitCode = 1
}

async function demo() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: path('tests/data/demo') },
      model: { type: 'string', default: '@longtake/tiny' },
      out: { type: 'string', default: path('demo-output') },
    },
  })
  const start = performance.now()
  const { videos } = JSON.parse(await readFile(join(values.data, 'questions.json'), 'utf8'))
  await mkdir(values.out, { recursive: true })
  const longtake = await load(values.model)
  try {
    await showVideos(longtake, videos, values, start)
  } finally {
    await longtake.close()
  }
}

/** Prints what runs, a table for each video, and the totals. */
async function showVideos(longtake, videos, folders, start) {
  const { spec, backend } = longtake
  console.log(
    `${paint(1, folders.model)}: ${spec.family}, ${spec.encoder.framesPerClip} frames at once, trained on ` +
      `${spec.context.trainedLength} tokens; loaded in ${seconds(performance.now() - start)}, back end ${backend.name}.`,
  )
  const scores = []
  for (const video of videos) scores.push(await showVideo(longtake, video, folders))
  showTotals(scores, performance.now() - start)
}

/** Ways to watch a video of so many shots. The first two put every visual token into the context. */
function listArms(shots) {
  const frames = Math.max(shots, TRAINED_FRAMES)
  return [
    { title: `${TRAINED_FRAMES} frames`, options: { frames: TRAINED_FRAMES, pooling: 'none' } },
    { title: `${frames} frames (INTP)`, options: { frames, pooling: 'none' } },
    { title: 'pooled by the question', options: {} },
  ]
}

/** Asks everything about one video in every way, and prints a table. */
async function showVideo(longtake, { file, shots, questions }, { data, out }) {
  const name = join(data, file)
  const picture = join(out, `${basename(file, extname(file))}-storyboard.png`)
  const arms = []
  for (const arm of listArms(shots.length)) {
    arms.push({ ...arm, ...(await askAll(longtake, name, arm.options, questions, picture)) })
  }
  const best = arms.at(-1)
  const { durationSeconds, width, height, codec } = best.facts
  console.log(
    `\n${paint(1, file)}: ${formatTimestamp(durationSeconds)}, ${width}×${height}, ${codec}, ${shots.length} shots`,
  )
  showTable(questions, arms)
  for (const arm of arms) console.log(paint(2, `  ${describeArm(arm)}`))
  const asked = questions[best.clearest].text
  console.log(paint(2, `  ${relative(process.cwd(), picture) || picture}: what “${asked}” looked at`))
  return { right: arms.map(({ right }) => right), asked: questions.length }
}

/** Watches a video, asks every question, and writes a storyboard to `picture`. */
async function askAll(longtake, file, options, questions, picture) {
  const name = basename(file)
  const onProgress = ({ stage, done, total }) => showProgress(`${name}: ${stage} ${done}/${total}`)
  const video = await longtake.watch(file, { ...options, onProgress })
  try {
    const results = []
    for (const { text } of questions) {
      showProgress(
        `${name}: question ${results.length + 1}/${questions.length} on ${video.plan.frames} frames`,
      )
      results.push(await video.ask(text, { maxTokens: MAX_TOKENS }))
    }
    showProgress('')
    const isRight = results.map(({ text }, index) => isSame(text, questions[index].answer))
    const clearest = findClearest(results, isRight)
    const weights = results[clearest].frames.map(({ weight }) => weight)
    await writeFile(picture, await video.storyboard({ weights }))
    const { plan, facts } = video
    return { plan, facts, results, isRight, right: isRight.filter(Boolean).length, clearest }
  } finally {
    await video.close()
  }
}

/** The right answer whose largest frame weight stands out most: the best one to look at. */
function findClearest(results, isRight) {
  const peaks = results.map(({ frames }, index) =>
    isRight[index] ? Math.max(...frames.map(({ weight }) => weight)) : 0,
  )
  return peaks.indexOf(Math.max(...peaks))
}

function showTable(questions, arms) {
  const rows = questions.map(({ text, answer }, index) => [
    shorten(text, MAX_QUESTION),
    ...arms.map((arm) => marked(arm, index)),
    answer,
  ])
  const head = ['question', ...arms.map(({ title }) => title), 'expected']
  const foot = ['right', ...arms.map(({ right }) => `${right} of ${questions.length}`), '']
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows, foot].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  console.log(paint(2, line(head)))
  for (const row of rows) console.log(colourMarks(line(row)))
  console.log(paint(1, line(foot)))
}

function describeArm({ plan, results }) {
  const timings = results[0]?.timings
  const watched = timings ? timings.open + timings.decode + timings.encode + timings.prefill : 0
  const answers = results.map(({ timings }) => timings.total).sort((a, b) => a - b)
  const median = answers[Math.floor(answers.length / 2)] ?? 0
  const first = results[0]?.timings.firstToken ?? 0
  const { pooling } = plan
  const tokens = pooling
    ? `${pooling.tokensBefore} visual tokens pooled to ${pooling.tokens}`
    : `${plan.visualTokens} visual tokens`
  return (
    `${plan.frames} frames: ${plan.clips.length === 1 ? '1 clip' : `${plan.clips.length} clips`}, ${plan.layout}; ${tokens}; ` +
    `RoPE ${plan.rope.type} ×${plan.rope.scale.toFixed(2)}; watched in ${seconds(watched)}, ` +
    `first token after ${Math.round(first)} ms, answers in ${Math.round(median)} ms (median)`
  )
}

function showTotals(scores, milliseconds) {
  const asked = scores.reduce((sum, score) => sum + score.asked, 0)
  const share = (arm) => {
    const right = scores.reduce((sum, score) => sum + score.right[arm], 0)
    return `${right} of ${asked} right (${Math.round((100 * right) / asked)} %)`
  }
  console.log(`\n${TRAINED_FRAMES} frames, the length of training:             ${share(0)}`)
  console.log(`A frame for each shot, by INTP:               ${share(1)}`)
  console.log(paint(1, `The same, pooled by the question, by PPLLaVA: ${share(2)}`))
  console.log(`${seconds(milliseconds)} for everything.`)
}

/** Whether two answers are the same words. */
function isSame(given, expected) {
  const words = (text) =>
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(' ') ?? ''
  return words(given) === words(expected)
}

/** One line on stderr that the next one replaces; nothing where no person watches. */
function showProgress(text) {
  if (stderr.isTTY !== true) return
  stderr.write(`\r${text.slice(0, (stderr.columns ?? 80) - 1)}\u001b[K`)
}
