import { type ModelSpec, planVideo, type VideoFacts } from '@longtake/core'
import { describe, expect, test } from 'vitest'
import { chooseArms, DEFAULT_AXES, describeArm, groupArms } from './quality-arms.js'
import { planArm } from './quality-run.js'

const SPEC: ModelSpec = {
  family: 'video_llava',
  encoder: { framesPerClip: 8, imageSize: 48, tokensPerFrame: 5, grid: [2, 2], classToken: true },
  decoder: { layers: 4, kvHeads: 5, headDim: 32, hiddenSize: 160, vocabularySize: 200 },
  rope: { theta: 300, scaling: { type: 'none' } },
  context: { trainedLength: 128, nominalLength: 128 },
  pooling: {
    guided: false,
    temperature: 0.01,
    kernel: [2, 3, 3],
    stride: [2, 3, 3],
    imageKernel: [1, 3, 3],
    imageStride: [1, 3, 3],
  },
  defaults: {
    frames: 32,
    ropeType: 'ntk',
    kvCache: 'fp32',
    pooling: 'none',
    tokenBudget: undefined,
    mostFrames: 64,
  },
}
const FACTS: VideoFacts = { startSeconds: 0, durationSeconds: 32, width: 144, height: 144, codec: 'avc' }

const PLAIN = { ...DEFAULT_AXES, poolings: ['none'] } as const

describe('arms', () => {
  test('vary one axis at a time around the centre, for each number of frames', () => {
    const arms = chooseArms(PLAIN, false)
    expect(arms).toHaveLength(4 * (1 + 2 + 4 + 2))
    expect(
      arms
        .filter(({ frames }) => frames === 32)
        .map(describeArm)
        .sort(),
    ).toEqual(
      [
        '32 interleaved ntk fp32 none',
        '32 contiguous ntk fp32 none',
        '32 unordered ntk fp32 none',
        '32 interleaved none fp32 none',
        '32 interleaved linear fp32 none',
        '32 interleaved dynamic fp32 none',
        '32 interleaved yarn fp32 none',
        '32 interleaved ntk int8 none',
        '32 interleaved ntk int4 none',
      ].sort(),
    )
  })

  test('are the whole product when asked, each once', () => {
    const arms = chooseArms(PLAIN, true)
    expect(new Set(arms.map(describeArm)).size).toBe(4 * 3 * 5 * 3)
    expect(arms).toHaveLength(4 * 3 * 5 * 3)
  })

  test('turn around the first value of an axis that leaves the centre out', () => {
    const axes = {
      frames: [8],
      layouts: ['contiguous', 'unordered'],
      ropes: ['yarn'],
      kvs: ['int8', 'int4'],
      poolings: ['none'],
      budgets: undefined,
    } as const
    expect(chooseArms(axes, false).map(describeArm)).toEqual([
      '8 contiguous yarn int8 none',
      '8 contiguous yarn int4 none',
      '8 unordered yarn int8 none',
    ])
  })
})

describe('pooled arms', () => {
  test('meet at equal budgets, with the frames and with twice as many, each once', () => {
    const arms = chooseArms({ ...DEFAULT_AXES, frames: [8, 16], poolings: ['average', 'guided'] }, false)
    const average = arms.map(describeArm).filter((name) => name.includes('average'))
    expect(average.sort()).toEqual(
      [
        '8 interleaved ntk fp32 average 8',
        '8 interleaved ntk fp32 average 4',
        '8 interleaved ntk fp32 average 2',
        '16 interleaved ntk fp32 average 8',
        '16 interleaved ntk fp32 average 4',
        '16 interleaved ntk fp32 average 2',
        '16 interleaved ntk fp32 average 16',
        '32 interleaved ntk fp32 average 16',
        '32 interleaved ntk fp32 average 8',
        '32 interleaved ntk fp32 average 4',
      ].sort(),
    )
    const guided = arms.map(describeArm).filter((name) => name.includes('guided'))
    expect(guided.map((name) => name.replace('guided', 'average')).sort()).toEqual(average)
    expect(arms).toHaveLength(20)
  })

  test('take the budgets named, and end with the default plan', () => {
    const axes = { ...DEFAULT_AXES, frames: [32], poolings: ['max', 'auto'], budgets: [5] } as const
    expect(chooseArms(axes, false).map(describeArm)).toEqual([
      '32 interleaved ntk fp32 max 5',
      '64 interleaved ntk fp32 max 5',
      'auto',
    ])
  })

  test('hold their budget', () => {
    const spec = {
      ...SPEC,
      pooling: { ...SPEC.pooling, guided: true, kernel: [1, 2, 2], stride: [1, 2, 2] },
    } as const
    for (const arm of chooseArms({ ...DEFAULT_AXES, poolings: ['average', 'guided'] }, false)) {
      const { pooling, visualTokens, frames } = planArm(spec, FACTS, arm)
      expect(pooling?.method).toBe(arm.frames === 'auto' ? undefined : arm.pooling)
      expect(visualTokens).toBeLessThanOrEqual((arm.frames !== 'auto' && arm.tokenBudget) || 0)
      expect(frames).toBe(arm.frames)
    }
  })
})

describe('groups', () => {
  const arms = chooseArms({ ...DEFAULT_AXES, poolings: ['none', 'average', 'auto'] }, false)
  const groups = groupArms(arms, (arm) => planArm(SPEC, FACTS, arm))

  test('cover every arm once', () => {
    const grouped = groups.flatMap((group) => group.arms.map(describeArm))
    expect(grouped.sort()).toEqual(arms.map(describeArm).sort())
    for (const group of groups) expect(group.arms).toContain(group.run)
  })

  test('put together arms that compute the same, and no others', () => {
    for (const { arms: alike, run } of groups) {
      for (const arm of alike) {
        const [one, other] = [planArm(SPEC, FACTS, run), planArm(SPEC, FACTS, arm)]
        expect(other.clips).toEqual(one.clips)
        expect(other.order).toEqual(one.order)
        expect(other.rope.inverseFrequencies).toEqual(one.rope.inverseFrequencies)
        expect(other.kvCache).toEqual(one.kvCache)
        expect(other.pooling).toEqual(one.pooling)
      }
    }
    // one clip within the trained length: neither layout nor RoPE makes a difference, only the cache does
    const eight = groups.filter(({ run }) => run.frames === 8 && run.pooling === 'none')
    expect(eight.map(({ arms: alike }) => alike.length).sort()).toEqual([1, 1, 7])
    const layouts = groups.filter(
      ({ run }) => run.frames === 32 && run.pooling === 'none' && run.rope === 'ntk' && run.kv === 'fp32',
    )
    expect(layouts).toHaveLength(3)
  })

  test('do not depend on the video', () => {
    const other = { ...FACTS, durationSeconds: 7, frameCount: 40, codec: 'vp9' }
    expect(groupArms(arms, (arm) => planArm(SPEC, other, arm))).toEqual(groups)
    expect(planVideo(SPEC, other, { frames: 64 }).frames).toBe(64)
  })
})
