import { readFileSync } from 'node:fs'
import { type ModelSpec, planVideo } from '@longtake/core'
import { expect, test } from 'vitest'
import type { ArmGroup, FixedArm } from './quality-arms.js'
import { mapPool } from './quality-run.js'
import { scoreArms } from './quality-score.js'

const SPEC: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 48, tokensPerFrame: 5, grid: [2, 2], classToken: true },
  decoder: { layers: 4, kvHeads: 5, headDim: 32, hiddenSize: 160, vocabularySize: 200 },
  rope: { theta: 300, scaling: { type: 'none' } },
  context: { trainedLength: 128, nominalLength: 128 },
  pooling: {
    guided: true,
    temperature: 0.01,
    kernel: [1, 2, 2],
    stride: [1, 2, 2],
    imageKernel: [1, 2, 2],
    imageStride: [1, 2, 2],
  },
  defaults: {
    frames: 32,
    ropeType: 'ntk',
    kvCache: 'int8',
    pooling: 'guided',
    tokenBudget: 16,
    mostFrames: 64,
  },
}
const planOf = (options: object) =>
  planVideo(SPEC, { startSeconds: 0, durationSeconds: 32, width: 9, height: 9, codec: 'avc' }, options)

const arm = (frames: number, rope: FixedArm['rope']): FixedArm => ({
  frames,
  layout: 'interleaved',
  rope,
  kv: 'fp32',
  pooling: 'none',
})
const [short, shortToo, long] = [arm(8, 'ntk'), arm(8, 'none'), arm(32, 'ntk')]
const both: ArmGroup = { arms: [short, shortToo], run: short }
const alone: ArmGroup = { arms: [long], run: long }
const [bothPlan, alonePlan] = [
  planOf({ frames: 8, pooling: 'none' }),
  planOf({ frames: 32, pooling: 'none' }),
]
const mark = (kind: string, isRight: boolean) => ({ kind, isRight })

test('adds up over videos, by kind and by family', () => {
  const scores = scoreArms(
    [short, shortToo, long],
    [
      [
        { group: both, plan: bothPlan, marks: [mark('drift', true), mark('number', false)] },
        { group: alone, plan: alonePlan, marks: [mark('drift', true), mark('number', true)] },
      ],
      [
        { group: both, plan: bothPlan, marks: [mark('size', false), mark('number', true)] },
        { group: alone, plan: alonePlan, marks: [mark('size', true), mark('number', true)] },
      ],
    ],
  )
  const [first, second, third] = scores
  expect(first).toMatchObject({
    ...short,
    accuracy: 0.5,
    questions: 4,
    kinds: { drift: 1, number: 0.5, size: 0 },
    groups: { smallPart: 0.5, whole: 0.5 },
    families: { slow: 0.5 },
    frames: 8,
    tokens: 40,
    auto: false,
  })
  expect(first).not.toHaveProperty('sameAs')
  expect(second).toMatchObject({ ...shortToo, accuracy: 0.5, sameAs: short })
  expect(third).toMatchObject({ accuracy: 1, questions: 4, families: { slow: 1 } })
  expect(third?.margin95).toBeGreaterThan(0)
})

test('families without questions are left out', () => {
  const [score] = scoreArms([long], [[{ group: alone, plan: alonePlan, marks: [mark('number', true)] }]])
  expect(score?.families).toEqual({})
  expect(score?.groups).toEqual({ smallPart: 1 })
})

test('the default plan is described by what it chose, over videos of any length', () => {
  const automatic = { frames: 'auto' } as const
  const group: ArmGroup = { arms: [automatic], run: automatic }
  const videos = [8, 16, 16].map((frames) => [
    { group, plan: planOf({ frames, tokenBudget: frames }), marks: [mark('count', true)] },
  ])
  const [score] = scoreArms([automatic], videos)
  expect(score).toMatchObject({ auto: true, frames: 16, tokens: 16, pooling: 'guided', kv: 'int8' })
  expect(score?.groups).toEqual({ whole: 1 })
})

test('every kind of question that the recipe asks is in one group', () => {
  const recipe = readFileSync(new URL('../../train/longtake_train/questions.py', import.meta.url), 'utf8')
  const weights = /^WEIGHTS = \{([^}]*)\}/m.exec(recipe)?.[1] ?? ''
  const kinds = [...weights.matchAll(/"(\w+)":/g)].map(([, kind]) => kind ?? '')
  expect(kinds.length).toBeGreaterThan(10)
  for (const kind of kinds) {
    const [score] = scoreArms([long], [[{ group: alone, plan: alonePlan, marks: [mark(kind, true)] }]])
    expect(Object.keys(score?.groups ?? {})).toHaveLength(1)
  }
})

test('a pool keeps the order and its width', async () => {
  let running = 0
  let most = 0
  const results = await mapPool([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, item))
    running--
    return item * 10
  })
  expect(results).toEqual([50, 10, 40, 20, 30])
  expect(most).toBe(2)
})

test('a pool fails with its first failure', async () => {
  const failing = mapPool([1, 2, 3], 2, async (item) => {
    if (item === 2) throw new RangeError('two')
    return item
  })
  await expect(failing).rejects.toThrow('two')
})
