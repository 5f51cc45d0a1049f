import { availableParallelism } from 'node:os'
import { EngineError } from '@longtake/core'
import type { DecoderConfig, WeightType } from '@longtake/kernels'
import { openBackend } from '@longtake/runtime/ort'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { stepBytes, stepFlops } from './decode-cost.js'
import { buildRandomDecoder, decoderConfig } from './decode-model.js'
import { CAPACITY, type Carrying, DecoderSide } from './decoder-side.js'
import { higherLimits, type MachineLimits, measureLimits } from './machine-limits.js'
import { type Spread, spreadOf } from './statistics.js'
import { formatMs, formatNumber, formatPercent, formatTable } from './table.js'

/** Least ratios of portable to resident time that are promised. */
const BOUNDS: ReadonlyMap<number, number> = new Map([
  [512, 20],
  [15_000, 3],
])
/** Steps of each side in one round: about as long on either. */
const STEPS = { resident: 20, portable: 4 } as const
const PREFILL_TOKENS = 512
/** Logits of both sides may differ by rounding only. */
const TOLERANCE = 1e-3

/** One decoding step where the cache stays in native memory, and where it crosses into JavaScript and back. */
export const decode: Benchmark = {
  name: 'decode',
  summary: 'one decoding step: resident against portable session, 8 layers, 4 KV heads × 64, capacity 16,384',
  options: [
    '--held 512,15000          tokens in the cache',
    '--hidden 256              width',
    '--intermediate N          width of the MLP, default twice that of the decoder',
    '--weights fp32|int8|int4  storage of the matrices, default fp32',
    '--rounds 7                interleaved rounds',
    '--threads N               default the cores',
    '--portable chained|bound  how the portable session carries its cache, default the quicker: chained',
  ],
  run: runDecode,
}

interface DecodeOptions {
  readonly config: DecoderConfig
  readonly weights: WeightType
  readonly rounds: number
  readonly threads: number
  readonly carrying: Carrying
}

interface DecodeCase {
  readonly held: number
  readonly residentMs: number
  readonly portableMs: number
  readonly ratio: number
  readonly resident: Spread
  readonly portable: Spread
  /** Of the bandwidth measured in this run: bytes of weights and of keys and values held, over the resident time. */
  readonly bandwidthShare: number
  /** Of the matrix peak measured in this run. */
  readonly matrixShare: number
  /** Promised ratio, where one is. */
  readonly bound?: number
}

async function runDecode(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    held: 'text',
    hidden: 'text',
    intermediate: 'text',
    weights: 'text',
    rounds: 'text',
    threads: 'text',
    portable: 'text',
  })
  const hidden = given.integer('hidden', 256, 32, 8192)
  const options: DecodeOptions = {
    config: decoderConfig(hidden, given.integer('intermediate', 2 * hidden, 32, 32_768)),
    weights: given.choice('weights', ['fp32', 'int8', 'int4'], 'fp32'),
    rounds: given.integer('rounds', 7, 1, 1000),
    threads: given.integer('threads', availableParallelism(), 1, 1024),
    carrying: given.choice('portable', ['chained', 'bound'], 'chained'),
  }
  const held = given.integers('held', [512, 15_000], 1, CAPACITY - 1)
  const { limits, cases, prefill } = await measure(options, held, note)
  const failed = cases.some(({ ratio, bound }) => bound !== undefined && ratio < bound)
  return {
    result: {
      cases,
      prefill,
      limits,
      decoder: options.config,
      capacity: CAPACITY,
      weights: options.weights,
      kv: 'fp32',
      threads: options.threads,
    },
    text: formatCases(cases, prefill, limits, options),
    failed,
  }
}

async function measure(options: DecodeOptions, held: readonly number[], note: (text: string) => void) {
  const { config, weights, threads, carrying } = options
  const resident = await openBackend('resident')
  const portable = await openBackend('portable')
  try {
    note('measuring memory bandwidth and the matrix peak')
    const before = await measureLimits(resident, threads)
    const model = await buildRandomDecoder(config, weights)
    const sides = {
      resident: await DecoderSide.open(resident, model, config, threads, 'bound'),
      portable: await DecoderSide.open(portable, model, config, threads, carrying),
    }
    const timed: TimedCase[] = []
    for (const tokens of held) {
      note(`${tokens} tokens held`)
      timed.push(await timeCase(sides, tokens, options))
    }
    const prefillTimes = await timePrefill(sides.resident, options)
    const limits = higherLimits(before, await measureLimits(resident, threads))
    return {
      limits,
      cases: timed.map((times) => judgeCase(times, options, limits)),
      prefill: judgePrefill(prefillTimes, options, limits),
    }
  } finally {
    await resident.close()
    await portable.close()
  }
}

interface Sides {
  readonly resident: DecoderSide
  readonly portable: DecoderSide
}

interface TimedCase {
  readonly held: number
  readonly resident: Spread
  readonly portable: Spread
}

async function timeCase(sides: Sides, held: number, options: DecodeOptions): Promise<TimedCase> {
  sides.resident.fill()
  sides.portable.fill()
  await expectSameLogits(sides, held)
  const times: Record<keyof Sides, number[]> = { resident: [], portable: [] }
  for (let round = 0; round < options.rounds; round++) {
    // The order turns each round, so that neither side always meets the caches the other left.
    const order = round % 2 === 0 ? (['resident', 'portable'] as const) : (['portable', 'resident'] as const)
    for (const side of order) times[side].push(...(await timeSteps(sides[side], held, STEPS[side])))
  }
  return { held, resident: spreadOf(times.resident), portable: spreadOf(times.portable) }
}

function judgeCase(
  { held, resident, portable }: TimedCase,
  options: DecodeOptions,
  limits: MachineLimits,
): DecodeCase {
  const seconds = resident.median / 1000
  const bound = BOUNDS.get(held)
  return {
    held,
    residentMs: resident.median,
    portableMs: portable.median,
    ratio: portable.median / resident.median,
    resident,
    portable,
    bandwidthShare: stepBytes(options.config, options.weights, held) / seconds / limits.readBytesPerSecond,
    matrixShare: stepFlops(options.config, held, 1) / seconds / limits.matrixFlops,
    ...(bound !== undefined && { bound }),
  }
}

async function timePrefill(side: DecoderSide, { rounds }: DecodeOptions): Promise<Spread> {
  await side.run(0, PREFILL_TOKENS)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await side.run(0, PREFILL_TOKENS)
    times.push(performance.now() - start)
  }
  return spreadOf(times)
}

function judgePrefill({ median }: Spread, { config }: DecodeOptions, limits: MachineLimits) {
  const flops = stepFlops(config, 0, PREFILL_TOKENS)
  return {
    tokens: PREFILL_TOKENS,
    residentMs: median,
    matrixShare: flops / (median / 1000) / limits.matrixFlops,
  }
}

async function timeSteps(side: DecoderSide, held: number, steps: number): Promise<number[]> {
  await side.run(held)
  const times: number[] = []
  for (let step = 0; step < steps; step++) {
    const start = performance.now()
    await side.run(held)
    times.push(performance.now() - start)
  }
  return times
}

async function expectSameLogits({ resident, portable }: Sides, held: number): Promise<void> {
  const expected = (await resident.run(held)).slice()
  const actual = await portable.run(held)
  const isFar = (value: number, index: number): boolean =>
    !(Math.abs(value - (actual[index] ?? Number.NaN)) < TOLERANCE)
  if (expected.some(isFar)) {
    throw new EngineError(
      'ENGINE_FAILED',
      `Resident and portable logits differ at ${held} tokens: nothing to compare.`,
    )
  }
}

function formatCases(
  cases: readonly DecodeCase[],
  prefill: { readonly tokens: number; readonly residentMs: number; readonly matrixShare: number },
  limits: MachineLimits,
  { weights, threads }: DecodeOptions,
): string {
  const heading = ['held', 'resident', 'portable', 'ratio', 'promised', 'of bandwidth', 'of matrix peak']
  const rows = cases.map((item) => [
    item.held,
    formatMs(item.residentMs),
    formatMs(item.portableMs),
    formatNumber(item.ratio),
    item.bound === undefined ? '' : `≥ ${item.bound}`,
    formatPercent(item.bandwidthShare),
    formatPercent(item.matrixShare),
  ])
  const gigabytes = formatNumber(limits.readBytesPerSecond / 1e9)
  return [
    formatTable([heading, ...rows]),
    '',
    `prefill of ${prefill.tokens} tokens: ${formatMs(prefill.residentMs)}, ${formatPercent(prefill.matrixShare)} of the matrix peak`,
    `limits on ${threads} threads: ${gigabytes} GB/s, ${formatNumber(limits.matrixFlops / 1e9)} GFLOPS; weights ${weights}`,
  ].join('\n')
}
