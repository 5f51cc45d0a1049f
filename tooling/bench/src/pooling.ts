import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError, type Triple } from '@longtake/core'
import { type AnswerResult, type InputFrame, type Longtake, load, type WatchOptions } from '@longtake/runtime'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { noisePictures } from './noise-pictures.js'
import { countOperations, type PoolingSizes, PUBLISHED_SIZES } from './pooling-operations.js'
import { writeRandomPpllava } from './random-ppllava.js'
import { median, type Spread, spreadOf } from './statistics.js'
import { formatNumber, formatTable } from './table.js'

/** Least ratio that is promised, and at how many frames. */
const BOUND = { frames: 64, ratio: 7 } as const
const NEW_TOKENS = 32
/** The published window for videos: a frame of 24 × 24 patches and its neighbour become 8 × 8 tokens. */
const KERNEL: Triple = [2, 3, 3]
const QUESTION = 'which colour is the big cat ?'
/** Room in the context for the question and its template. */
const PROMPT_TOKENS = 64

/**
 * LLaVA-NeXT-Vicuna-7B an eighth as wide and an eighth as deep, with as many patches a frame: CLIP 1024 × 24 becomes
 * 128 × 3, Vicuna 4096 × 32 becomes 512 × 4. Heads are as wide as there. The guide's text tower is 96 × 2, because an
 * eighth of 12 layers is no whole number. The vocabulary is the random checkpoint's own.
 */
const SCALED_SIZES: PoolingSizes = {
  vision: { width: 128, layers: 3, heads: 2, inner: 512, patchSize: 14, imageSize: 336 },
  text: { width: 96, layers: 2, heads: 2, inner: 384 },
  alignmentSize: 96,
  decoder: { width: 512, layers: 4, heads: 4, inner: 1376, vocabularySize: 96 },
}
const SCALE = { width: '1/8', depth: '1/8', patchesPerFrame: 576 } as const

/** Whole answers with all tokens of every frame, and with those that guided pooling leaves. */
export const pooling: Benchmark = {
  name: 'pooling',
  summary: 'whole answers with and without guided pooling, at the shape of LLaVA-NeXT-Vicuna-7B scaled down',
  options: [
    '--frames 8,16,32,64  given pictures',
    '--rounds 3           repetitions, sides in turn',
    '--average            measure average pooling at the same budget too',
    '--threads N          default the cores',
  ],
  run: runPooling,
}

type Side = 'none' | 'guided' | 'average'

interface PoolingRun {
  readonly longtake: Longtake
  readonly sides: readonly Side[]
  readonly rounds: number
  readonly note: (text: string) => void
}

async function runPooling(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { frames: 'text', rounds: 'text', average: 'flag', threads: 'text' })
  const frames = given.integers('frames', [8, 16, 32, 64], KERNEL[0], 128)
  const rounds = given.integer('rounds', 3, 1, 100)
  const threads = given.integer('threads', availableParallelism(), 1, 1024)
  const sides: readonly Side[] = given.flag('average') ? ['none', 'guided', 'average'] : ['none', 'guided']
  const folder = await mkdtemp(join(tmpdir(), 'longtake-pooling-'))
  try {
    note('writing a random checkpoint')
    await writeRandomPpllava(folder, SCALED_SIZES)
    await using longtake = await load(folder, { threads })
    const cases: PoolingCase[] = []
    const run = { longtake, sides, rounds, note }
    await warmUp(run, Math.min(...frames))
    for (const count of frames) cases.push(await measureCase(run, count))
    return describeOutcome(cases, threads, longtake.backend.name)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface PoolingCase {
  readonly frames: number
  /** Median over the rounds of the time without pooling over that with it. */
  readonly ratio: number
  readonly secondsNone: number
  readonly secondsGuided: number
  readonly tokensNone: number
  readonly tokensGuided: number
  /** What operation counts say of the published size, and of the scaled one that was timed. */
  readonly operationsRatio7B: number
  readonly operationsRatio: number
  readonly spreads: Readonly<Partial<Record<Side, Spread>>>
  readonly ratioAverage?: number
  readonly secondsAverage?: number
}

async function measureCase(
  { longtake, sides, rounds, note }: PoolingRun,
  frames: number,
): Promise<PoolingCase> {
  const pictures = noisePictures(frames, SCALED_SIZES.vision.imageSize)
  const seconds = new Map<Side, number[]>(sides.map((side) => [side, []]))
  const answers = new Map<Side, AnswerResult>()
  for (let round = 0; round < rounds; round++) {
    note(`${frames} frames: round ${round + 1} of ${rounds}`)
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const { result, elapsed } = await answerOnce(longtake, pictures, side)
      expectRight(result, answers.get(side), side, frames)
      answers.set(side, result)
      seconds.get(side)?.push(elapsed)
    }
  }
  return describeCase(frames, seconds, answers)
}

/** Answers that do not count: graphs are built, and both sides are right before anything is timed. */
async function warmUp({ longtake, sides, note }: PoolingRun, frames: number): Promise<void> {
  note(`${frames} frames: warming up`)
  const pictures = noisePictures(frames, SCALED_SIZES.vision.imageSize)
  for (const side of sides) {
    expectRight((await answerOnce(longtake, pictures, side)).result, undefined, side, frames)
  }
}

/** Encodes the pictures, takes the tokens in, and generates: everything between pictures and a whole answer. */
async function answerOnce(longtake: Longtake, pictures: readonly InputFrame[], side: Side) {
  const options: WatchOptions = {
    pooling: side === 'none' ? 'none' : { method: side, kernel: KERNEL },
    promptTokens: PROMPT_TOKENS,
    maxNewTokens: NEW_TOKENS,
  }
  const start = performance.now()
  await using watched = await longtake.watchFrames(pictures, options)
  const result = await watched.ask(QUESTION, { maxTokens: NEW_TOKENS })
  return { result, elapsed: (performance.now() - start) / 1000 }
}

/** Tokens that enter the context by the formula of the window, the same for every pooling. */
function tokensOf(side: Side, frames: number): number {
  const grid = SCALED_SIZES.vision.imageSize / SCALED_SIZES.vision.patchSize
  if (side === 'none') return frames * grid ** 2
  return Math.floor(frames / KERNEL[0]) * Math.floor(grid / KERNEL[1]) * Math.floor(grid / KERNEL[2])
}

/** Tokens as the window's formula says, an answer of full length, whole weights, and the same text as before. */
function expectRight(
  { usage, frames: weights, text }: AnswerResult,
  before: AnswerResult | undefined,
  side: Side,
  frames: number,
): void {
  const total = weights.reduce((sum, { weight }) => sum + weight, 0)
  const isRight =
    usage.visualTokens === tokensOf(side, frames) &&
    usage.completionTokens === NEW_TOKENS &&
    weights.length === frames &&
    Math.abs(total - 1) < 1e-3
  if (!isRight) {
    throw notComparable(`${side} at ${frames} frames: ${JSON.stringify(usage)}, weights add up to ${total}`)
  }
  if (before !== undefined && before.text !== text) {
    throw notComparable(`${side} at ${frames} frames: the same question had two answers`)
  }
}

function notComparable(what: string): EngineError {
  return new EngineError('ENGINE_FAILED', `${what}: nothing to time.`)
}

function describeCase(
  frames: number,
  seconds: ReadonlyMap<Side, readonly number[]>,
  answers: ReadonlyMap<Side, AnswerResult>,
): PoolingCase {
  const times = (side: Side): readonly number[] => seconds.get(side) ?? []
  const ratioTo = (side: Side): number =>
    median(times('none').map((value, round) => value / (times(side)[round] ?? Number.NaN)))
  const operations = (sizes: PoolingSizes): number =>
    operationsOf(sizes, answers, frames, 'none') / operationsOf(sizes, answers, frames, 'guided')
  return {
    frames,
    ratio: ratioTo('guided'),
    secondsNone: median(times('none')),
    secondsGuided: median(times('guided')),
    tokensNone: tokensOf('none', frames),
    tokensGuided: tokensOf('guided', frames),
    operationsRatio7B: operations(PUBLISHED_SIZES),
    operationsRatio: operations(SCALED_SIZES),
    spreads: Object.fromEntries([...seconds].map(([side, values]) => [side, spreadOf(values)])),
    ...(seconds.has('average') && {
      ratioAverage: ratioTo('average'),
      secondsAverage: median(times('average')),
    }),
  }
}

function operationsOf(
  sizes: PoolingSizes,
  answers: ReadonlyMap<Side, AnswerResult>,
  frames: number,
  side: Side,
): number {
  const usage = answers.get(side)?.usage
  const textTokens = (usage?.promptTokens ?? 0) - (usage?.visualTokens ?? 0)
  const load = { frames, visualTokens: tokensOf(side, frames), textTokens, newTokens: NEW_TOKENS }
  // The question has fewer tokens than the prompt around it.
  return countOperations(sizes, side === 'guided' ? { ...load, guideTokens: textTokens } : load).total
}

function describeOutcome(cases: readonly PoolingCase[], threads: number, backend: string): Outcome {
  const bound = cases.find(({ frames }) => frames === BOUND.frames)
  return {
    result: {
      cases,
      bound: BOUND,
      newTokens: NEW_TOKENS,
      kernel: KERNEL,
      sizes: SCALED_SIZES,
      scale: SCALE,
      published: PUBLISHED_SIZES,
      threads,
      backend,
    },
    text: formatCases(cases),
    failed: bound !== undefined && bound.ratio < BOUND.ratio,
  }
}

function formatCases(cases: readonly PoolingCase[]): string {
  const heading = [
    'frames',
    'tokens',
    'pooled',
    'none',
    'guided',
    'ratio',
    'by operations',
    'at 7B',
    'average',
  ]
  const rows = cases.map((one) => [
    one.frames,
    one.tokensNone,
    one.tokensGuided,
    `${formatNumber(one.secondsNone)} s`,
    `${formatNumber(one.secondsGuided)} s`,
    formatNumber(one.ratio),
    formatNumber(one.operationsRatio),
    formatNumber(one.operationsRatio7B),
    one.secondsAverage === undefined ? '' : `${formatNumber(one.secondsAverage)} s`,
  ])
  return `${formatTable([heading, ...rows])}\n\npromised at ${BOUND.frames} frames: ratio ≥ ${BOUND.ratio}`
}
