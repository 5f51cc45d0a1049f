import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ModelSpec, planVideo, type SamplingMode } from '@longtake/core'
import { openVideo } from '@longtake/runtime/video'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { type LongVideo, makeLongVideo, runFfmpeg, timeFullDecode } from './ffmpeg-cli.js'
import { type Spread, spreadOf } from './statistics.js'
import { formatMs, formatNumber, formatTable } from './table.js'

const LONG_VIDEO: LongVideo = { seconds: 600, width: 1280, height: 720 }
/** Most of a full decode that reading keyframes may take. */
const KEYFRAME_BOUND = 1 / 20

/** Reading pictures that are spread over a long video, against decoding all of it. */
export const sampling: Benchmark = {
  name: 'sampling',
  summary: 'pictures from a 10-minute 720p H.264 file, against a full decode; needs the ffmpeg program',
  options: [
    '--frames 64       pictures to read',
    '--rounds 3        interleaved rounds',
    '--video FILE      a file of your own, instead of a generated one',
    '--skip-exact      keyframes only',
  ],
  run: runSampling,
}

async function runSampling(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, { frames: 'text', rounds: 'text', video: 'text', 'skip-exact': 'flag' })
  const frames = given.integer('frames', 64, 1, 4096)
  const rounds = given.integer('rounds', 3, 1, 1000)
  const modes: readonly SamplingMode[] = given.flag('skip-exact') ? ['keyframe'] : ['keyframe', 'exact']
  await runFfmpeg(['-version'])
  const own = given.text('video')
  if (own !== undefined) return measure(own, frames, rounds, modes, note)
  const folder = await mkdtemp(join(tmpdir(), 'longtake-sampling-'))
  try {
    note('making the video')
    const path = join(folder, 'long.mp4')
    await makeLongVideo(path, join(folder, 'piece.mp4'), LONG_VIDEO)
    return await measure(path, frames, rounds, modes, note)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(
  path: string,
  frames: number,
  rounds: number,
  modes: readonly SamplingMode[],
  note: (text: string) => void,
): Promise<Outcome> {
  const times = new Map<SamplingMode | 'full', number[]>(
    [...modes, 'full' as const].map((name) => [name, []]),
  )
  await timeSampling(path, frames, 'keyframe')
  for (let round = 0; round < rounds; round++) {
    note(`round ${round + 1} of ${rounds}`)
    const names = [...times.keys()]
    for (const name of round % 2 === 0 ? names : names.reverse()) {
      const milliseconds =
        name === 'full' ? await timeFullDecode(path) : await timeSampling(path, frames, name)
      times.get(name)?.push(milliseconds)
    }
  }
  const full = spreadOf(times.get('full') ?? [])
  const cases = modes.map((mode) => {
    const spread = spreadOf(times.get(mode) ?? [])
    return { mode, ms: spread.median, spread, share: spread.median / full.median }
  })
  const video = await describeVideo(path)
  return {
    result: {
      cases,
      fullDecodeMs: full.median,
      fullDecode: full,
      frames,
      video,
      keyframeBound: KEYFRAME_BOUND,
    },
    text: formatCases(cases, full, frames),
    failed: cases.some(({ mode, share }) => mode === 'keyframe' && share > KEYFRAME_BOUND),
  }
}

/** Opens the file, plans, and decodes every planned picture to RGB: all that watching does before the model. */
async function timeSampling(path: string, frames: number, mode: SamplingMode): Promise<number> {
  const start = performance.now()
  await using video = await openVideo(path)
  const plan = planVideo(PLANNING_SPEC, video.facts, { frames, sampling: mode })
  for await (const _ of video.frames(plan.timestamps, plan.sampling)) {
    // Each picture is let go at once, as watching does after preprocessing.
  }
  return performance.now() - start
}

async function describeVideo(path: string) {
  await using video = await openVideo(path)
  const { durationSeconds, width, height, codec, keyframeIntervalSeconds } = video.facts
  return { durationSeconds, width, height, codec, keyframeIntervalSeconds, bytes: (await stat(path)).size }
}

/** A checkpoint that changes nothing about sampling: one frame a clip. */
export const PLANNING_SPEC: ModelSpec = {
  family: 'none',
  encoder: { framesPerClip: 1, imageSize: 224, tokensPerFrame: 1, grid: [1, 1], classToken: false },
  decoder: { layers: 1, kvHeads: 1, headDim: 64, hiddenSize: 64, vocabularySize: 1 },
  rope: { theta: 10_000, scaling: { type: 'none' } },
  context: { trainedLength: 4096, nominalLength: 4096 },
  pooling: {
    guided: false,
    temperature: 0.01,
    kernel: [2, 3, 3],
    stride: [2, 3, 3],
    imageKernel: [1, 3, 3],
    imageStride: [1, 3, 3],
  },
  defaults: {
    frames: 8,
    ropeType: 'none',
    kvCache: 'fp32',
    pooling: 'none',
    tokenBudget: undefined,
    mostFrames: 64,
  },
}

function formatCases(
  cases: readonly { readonly mode: SamplingMode; readonly ms: number; readonly share: number }[],
  full: Spread,
  frames: number,
): string {
  const rows = cases.map(({ mode, ms, share }) => [
    `${frames} pictures, ${mode}`,
    formatMs(ms),
    `1/${formatNumber(1 / share)}`,
    mode === 'keyframe' ? `≤ 1/${1 / KEYFRAME_BOUND}` : '',
  ])
  const whole = ['full decode by ffmpeg', formatMs(full.median), '1', '']
  return formatTable([['', 'time', 'of full decode', 'promised'], ...rows, whole])
}
