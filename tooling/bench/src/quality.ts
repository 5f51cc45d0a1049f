import { availableParallelism } from 'node:os'
import {
  CLIP_LAYOUTS,
  InvalidOptionError,
  KV_CACHE_TYPES,
  MAX_CONTEXT_TOKENS,
  MAX_FRAMES,
  ROPE_TYPES,
} from '@longtake/core'
import { type Longtake, load } from '@longtake/runtime'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { DEFAULT_MODEL, describeModel } from './environment.js'
import { type ArmAxes, chooseArms, DEFAULT_AXES, groupArms, POOLING_CHOICES } from './quality-arms.js'
import { type QuizData, readQuiz } from './quality-data.js'
import { type MarkedVideo, mapPool, markVideo, planArm, readFacts } from './quality-run.js'
import { type ArmScore, scoreArms } from './quality-score.js'
import { formatPercent, formatTable } from './table.js'

/** Videos between two lines of progress. */
const NOTE_EVERY = 10

/** Accuracy by number of frames, layout, RoPE scaling, storage of the KV cache, and pooling. */
export const quality: Benchmark = {
  name: 'quality',
  summary: 'right answers by frames, layout, RoPE scaling, KV cache and pooling: exact match, greedy',
  options: [
    '--data DIR          videos and questions.json of tooling/train/render.py (required)',
    `--model ID          checkpoint, default ${DEFAULT_MODEL}`,
    '--frames 8,16,…     default 8,16,32,64',
    '--layouts A,B       of interleaved, contiguous, unordered',
    '--ropes A,B         of none, linear, ntk, dynamic, yarn, llama3; default all but llama3',
    '--kv A,B            of fp32, int8, int4',
    '--pooling A,B       of none, average, max, guided, auto (the default plan); default all but max',
    '--budgets 16,8,…    visual tokens of pooled arms; default the frames, half and a quarter of them',
    '--full              every unpooled combination, instead of one axis at a time around interleaved, ntk, fp32',
    '--limit N           only the first N videos',
    '--jobs N            videos at once, each on one thread; default the cores',
  ],
  run: runQuality,
}

interface QualityOptions {
  readonly axes: ArmAxes
  readonly isFull: boolean
  readonly model: string
  readonly jobs: number
}

async function runQuality(args: readonly string[], note: (text: string) => void): Promise<Outcome> {
  const given = new Arguments(args, {
    data: 'text',
    model: 'text',
    frames: 'text',
    layouts: 'text',
    ropes: 'text',
    kv: 'text',
    pooling: 'text',
    budgets: 'text',
    full: 'flag',
    limit: 'text',
    jobs: 'text',
  })
  const options = readOptions(given)
  const quiz = await readQuiz(given.required('data'))
  const data = { ...quiz, videos: quiz.videos.slice(0, given.integer('limit', quiz.videos.length)) }
  await using longtake = await load(options.model, { threads: 1 })
  if (!longtake.spec.pooling.guided && options.axes.poolings.includes('guided')) {
    note('this checkpoint has no text guide, so arms with guided pooling are left out')
  }
  const start = performance.now()
  const arms = await markArms(longtake, data, options, note)
  return {
    result: {
      arms,
      data: {
        seed: data.seed,
        shots: data.shots,
        heldOutPhrasings: data.heldOutPhrasings,
        videos: data.videos.length,
      },
      model: await describeModel(options.model),
      threads: 1,
      jobs: options.jobs,
      backend: longtake.backend.name,
      seconds: Math.round((performance.now() - start) / 1000),
    },
    text: formatArms(arms),
  }
}

function readOptions(given: Arguments): QualityOptions {
  return {
    axes: {
      frames: given.integers('frames', DEFAULT_AXES.frames, 1, MAX_FRAMES),
      layouts: given.choices('layouts', CLIP_LAYOUTS, DEFAULT_AXES.layouts),
      ropes: given.choices('ropes', ROPE_TYPES, DEFAULT_AXES.ropes),
      kvs: given.choices('kv', KV_CACHE_TYPES, DEFAULT_AXES.kvs),
      poolings: given.choices('pooling', POOLING_CHOICES, DEFAULT_AXES.poolings),
      budgets:
        given.text('budgets') === undefined
          ? undefined
          : given.integers('budgets', [], 1, MAX_CONTEXT_TOKENS),
    },
    isFull: given.flag('full'),
    model: given.text('model') ?? DEFAULT_MODEL,
    jobs: given.integer('jobs', availableParallelism(), 1, 64),
  }
}

async function markArms(
  longtake: Longtake,
  { videos }: QuizData,
  { axes, isFull, jobs }: QualityOptions,
  note: (text: string) => void,
): Promise<readonly ArmScore[]> {
  const [first] = videos
  if (first === undefined) throw new InvalidOptionError('--limit', 'at least one video', 0)
  const facts = await readFacts(first.path)
  const poolings = axes.poolings.filter((one) => one !== 'guided' || longtake.spec.pooling.guided)
  const arms = chooseArms({ ...axes, poolings }, isFull)
  const groups = groupArms(arms, (arm) => planArm(longtake.spec, facts, arm))
  note(`${videos.length} videos, ${arms.length} arms, ${groups.length} of them different`)
  let done = 0
  const marked = await mapPool(videos, jobs, async (video): Promise<readonly MarkedVideo[]> => {
    const marks = await markVideo(longtake, video, groups)
    if (++done % NOTE_EVERY === 0 || done === videos.length) note(`${done} of ${videos.length} videos`)
    return marks
  })
  return scoreArms(arms, marked)
}

function formatArms(arms: readonly ArmScore[]): string {
  const namesOf = (field: 'kinds' | 'groups' | 'families'): readonly string[] =>
    Object.keys(arms[0]?.[field] ?? {})
  const [kinds, groups, families] = [namesOf('kinds'), namesOf('groups'), namesOf('families')]
  const way = ['frames', 'layout', 'rope', 'kv', 'pooling', 'tokens']
  const heading = [...way, 'accuracy', '±', 'questions', ...groups, ...families, ...kinds]
  const rows = arms.map((arm) => [
    arm.frames,
    arm.layout,
    arm.rope,
    arm.kv,
    arm.auto ? `${arm.pooling} (auto)` : arm.pooling,
    arm.tokens,
    formatPercent(arm.accuracy),
    formatPercent(arm.margin95),
    arm.questions,
    ...groups.map((name) => formatShare(arm.groups[name])),
    ...families.map((name) => formatShare(arm.families[name])),
    ...kinds.map((kind) => formatShare(arm.kinds[kind])),
  ])
  return formatTable([heading, ...rows])
}

function formatShare(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? '' : (share * 100).toFixed(0)
}
