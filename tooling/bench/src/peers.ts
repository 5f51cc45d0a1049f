import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { EngineError, isLongtakeError, type KvCacheType } from '@longtake/core'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { installPeer, type PeerName, peerVersion } from './peer-install.js'
import { measureKernels } from './peer-kernels.js'
import { PEER_CAPACITY, PEER_MODELS, type ShapeName } from './peer-model.js'
import type { Generated, PeerOpening, PeerRequest, Scored } from './peer-protocol.js'
import { PeerWorker } from './peer-worker.js'
import { type Scratch, withScratch } from './scratch.js'
import { median, type Spread, spreadOf } from './statistics.js'
import { formatMs, formatNumber, formatTable } from './table.js'

/** Least ratios that are sought. */
const GOALS: Readonly<Record<PeerName, number>> = { 'llama.cpp': 1, 'transformers.js': 3 }
/** Tokens of one run of prefill, on all sides. */
const CHUNK = 512
/** Chunks up to here are repeated in every round; later ones are so long that one time tells enough. */
const REPEATED_TOKENS = 2048
/** Generated in one round; the first ones only warm up. */
const STEPS = { all: 12, warmUp: 2 } as const
/** Tokens whose probabilities are compared before anything is timed. */
const SCORED_TOKENS = 64
/** Both sides round activations to 8 bits in their own way, so logarithms of probabilities differ by about this. */
const SCORE_TOLERANCE = 0.05
const ROOM_FOR_ANSWERS = 64

const PROGRAMS: Readonly<Record<PeerName | 'longtake', URL>> = {
  longtake: new URL('./peer-longtake.js', import.meta.url),
  'llama.cpp': new URL('./peer-llama.js', import.meta.url),
  'transformers.js': new URL('./peer-transformers.js', import.meta.url),
}

/** Prefill and decoding against llama.cpp and transformers.js: the same random 4-bit model on every side. */
export const peers: Benchmark = {
  name: 'peers',
  summary: 'prefill and decode against llama.cpp and transformers.js, same random 4-bit model, same threads',
  options: [
    '--contexts 512,2048,4096,16384           tokens held, multiples of 512',
    '--peers llama.cpp,transformers.js        installed by npm into a temporary folder',
    '--shape llava-onevision-0.5b|llama-1b    default the first',
    '--kv fp32|int8|int4                      our cache; llama.cpp gets f16, q8_0 or q4_0, default fp32',
    '--kernels                                only how fast the kernels of prefill are, without peers',
    '--rounds 3                               repetitions, sides in turn',
    '--threads N                              default the cores',
  ],
  run: runPeers,
}

interface PeersOptions {
  readonly contexts: readonly number[]
  readonly names: readonly PeerName[]
  readonly shape: ShapeName
  readonly kv: KvCacheType
  readonly rounds: number
  readonly threads: number
  readonly note: (text: string) => void
}

interface PeerCase {
  readonly peer: PeerName
  readonly work: 'prefill' | 'decode'
  /** Tokens of the prompt, or tokens held. */
  readonly context: number
  /** Time of the peer over ours: above 1 we are faster. */
  readonly ratio: number
  readonly goal: number
  /** Of the whole prompt, or of one token. */
  readonly ourMs: number
  readonly peerMs: number
  /** Of single tokens; prefill is a sum of medians. */
  readonly our?: Spread
  readonly their?: Spread
}

interface Missing {
  readonly peer: PeerName
  readonly reason: string
}

async function runPeers(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    contexts: 'text',
    peers: 'text',
    shape: 'text',
    kv: 'text',
    rounds: 'text',
    threads: 'text',
    kernels: 'flag',
  })
  const longest = PEER_CAPACITY - ROOM_FOR_ANSWERS
  const contexts = given.integers('contexts', [512, 2048, 4096, 16_384], CHUNK, longest)
  const shapes = Object.keys(PEER_MODELS) as ShapeName[]
  const options: PeersOptions = {
    contexts: [...new Set(contexts.map((context) => Math.ceil(context / CHUNK) * CHUNK))].sort(
      (a, b) => a - b,
    ),
    names: given.choices('peers', ['llama.cpp', 'transformers.js'], ['llama.cpp', 'transformers.js']),
    shape: given.choice('shape', shapes, 'llava-onevision-0.5b'),
    kv: given.choice('kv', ['fp32', 'int8', 'int4'], 'fp32'),
    rounds: given.integer('rounds', 3, 1, 100),
    threads: given.integer('threads', availableParallelism(), 1, 256),
    note,
  }
  if (given.flag('kernels')) return describeKernels(options.threads)
  return withScratch('longtake-peers-', (scratch) => comparePeers(options, scratch))
}

async function describeKernels(threads: number): Promise<Outcome> {
  const kernels = await measureKernels(threads)
  const rows = kernels.map(({ kernel, flopsPerCore }) => [kernel, formatNumber(flopsPerCore / 1e9)])
  return { result: { kernels, threads }, text: formatTable([['kernel', 'GFLOPS a core'], ...rows]) }
}

async function comparePeers(options: PeersOptions, scratch: Scratch): Promise<Outcome> {
  const opened: Opened = { peers: new Map(), missing: [] }
  for (const name of options.names) await openPeer(name, opened, options, scratch)
  const cases: PeerCase[] = []
  let scoreDifference: number | undefined
  if (opened.peers.size > 0) {
    options.note('building our side')
    const ours = await openWorker('longtake', scratch.folder, options, scratch)
    const llama = opened.peers.get('llama.cpp')
    let done = 0
    const sums = { ours: 0, llama: 0 }
    for (const context of options.contexts) {
      if (llama !== undefined) {
        options.note(`prefill of ${context} tokens`)
        for (; done < context; done += CHUNK) await addChunk(ours, llama, done, options, sums)
        scoreDifference ??= await expectSameScores(ours, llama, context)
        cases.push(prefillCase(context, sums))
      }
      options.note(`decode with ${context} tokens held`)
      cases.push(...(await decodeCases(ours, opened.peers, context, options)))
    }
  }
  return describeOutcome(cases, opened.missing, scoreDifference, options)
}

interface Opened {
  readonly peers: Map<PeerName, PeerWorker>
  readonly missing: Missing[]
}

/** A peer that cannot be had is left out, with the reason. */
async function openPeer(
  name: PeerName,
  { peers: workers, missing }: Opened,
  options: PeersOptions,
  scratch: Scratch,
): Promise<void> {
  try {
    const folder = join(scratch.folder, name)
    options.note(`installing ${peerVersion(name)} for this run`)
    await installPeer(name, folder, scratch.signal)
    workers.set(name, await openWorker(name, folder, options, scratch))
  } catch (error) {
    if (!isLongtakeError(error)) throw error
    options.note(error.message)
    missing.push({ peer: name, reason: error.message })
  }
}

async function openWorker(
  name: PeerName | 'longtake',
  folder: string,
  { shape, threads, kv }: PeersOptions,
  scratch: Scratch,
): Promise<PeerWorker> {
  const worker = new PeerWorker(PROGRAMS[name], scratch.signal)
  const opening: PeerOpening = { work: 'open', shape, threads, kv, chunk: CHUNK, folder }
  await worker.ask(opening)
  return worker
}

/** Takes the next chunk in on both sides, in turn, and adds the medians of their times. */
async function addChunk(
  ours: PeerWorker,
  llama: PeerWorker,
  held: number,
  { rounds }: PeersOptions,
  sums: { ours: number; llama: number },
): Promise<void> {
  const request: PeerRequest = { work: 'prefill', held, tokens: CHUNK }
  const repetitions = held + CHUNK <= REPEATED_TOKENS ? rounds : 1
  const times: { ours: number[]; llama: number[] } = { ours: [], llama: [] }
  if (held === 0) for (const worker of [ours, llama]) await worker.ask(request)
  for (let round = 0; round < repetitions; round++) {
    // The order turns each time, so that neither side always meets the caches the other left.
    const isOurTurn = (round + held / CHUNK) % 2 === 0
    if (isOurTurn) times.ours.push(await ours.ask<number>(request))
    times.llama.push(await llama.ask<number>(request))
    if (!isOurTurn) times.ours.push(await ours.ask<number>(request))
  }
  sums.ours += median(times.ours)
  sums.llama += median(times.llama)
}

function prefillCase(context: number, sums: { readonly ours: number; readonly llama: number }): PeerCase {
  const goal = GOALS['llama.cpp']
  const ratio = sums.llama / sums.ours
  return { peer: 'llama.cpp', work: 'prefill', context, ratio, goal, ourMs: sums.ours, peerMs: sums.llama }
}

async function decodeCases(
  ours: PeerWorker,
  others: ReadonlyMap<PeerName, PeerWorker>,
  context: number,
  { rounds }: PeersOptions,
): Promise<PeerCase[]> {
  const request: PeerRequest = { work: 'decode', held: context, tokens: STEPS.all }
  const sides = [['longtake', ours], ...others] as const
  const times = new Map<string, number[]>(sides.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, worker] of round % 2 === 0 ? sides : sides.toReversed()) {
      const { milliseconds } = await worker.ask<Generated>(request)
      times.get(name)?.push(...milliseconds.slice(STEPS.warmUp))
    }
  }
  const our = spreadOf(times.get('longtake') ?? [])
  return [...others.keys()].map((peer) => {
    const their = spreadOf(times.get(peer) ?? [])
    const ratio = their.median / our.median
    const milliseconds = { ourMs: our.median, peerMs: their.median }
    return { peer, work: 'decode', context, ratio, goal: GOALS[peer], ...milliseconds, our, their }
  })
}

/** @throws {EngineError} `ENGINE_FAILED` unless both sides compute the same model. */
async function expectSameScores(ours: PeerWorker, llama: PeerWorker, held: number): Promise<number> {
  const request: PeerRequest = { work: 'score', held, tokens: SCORED_TOKENS }
  const expected = await llama.ask<Scored>(request)
  const actual = await ours.ask<Scored>(request)
  const difference = Math.max(
    ...actual.map((score, index) => Math.abs(score - (expected[index] ?? Number.NaN))),
  )
  if (difference <= SCORE_TOLERANCE) return difference
  const message = `Ours and llama.cpp's logarithms of probabilities differ by ${difference}: nothing to compare.`
  throw new EngineError('ENGINE_FAILED', message)
}

function describeOutcome(
  cases: readonly PeerCase[],
  missing: readonly Missing[],
  scoreDifference: number | undefined,
  { shape, kv, threads, rounds, names }: PeersOptions,
): Outcome {
  const versions = Object.fromEntries(
    names
      .filter((name) => missing.every(({ peer }) => peer !== name))
      .map((name) => [name, peerVersion(name)]),
  )
  const heading = ['peer', 'work', 'context', 'ours', 'theirs', 'ratio', 'sought']
  const rows = cases.map(({ peer, work, context, ourMs, peerMs, ratio, goal }) => [
    peer,
    work,
    context,
    formatMs(ourMs),
    formatMs(peerMs),
    formatNumber(ratio),
    `≥ ${goal}`,
  ])
  const lines = [
    formatTable([heading, ...rows]),
    `${shape}, 4-bit weights, our cache ${kv}, ${threads} threads; above 1 we are faster`,
    ...missing.map(({ reason }) => reason),
  ]
  return {
    result: { cases, missing, versions, scoreDifference, shape, kv, threads, rounds, chunk: CHUNK },
    text: lines.join('\n'),
  }
}
