import { expect, test } from 'vitest'
import { videoLlavaSpec } from './fixtures.js'
import { formatTimestamp, planVideo } from './index.js'

test('the numbers in the README', () => {
  const size = { width: 1280, height: 720, codec: 'avc' }
  const video = { startSeconds: 0, durationSeconds: 600, keyframeIntervalSeconds: 2, ...size }
  const plan = planVideo(videoLlavaSpec, video, { frames: 64 })
  expect(plan.clips[0]).toEqual([0, 8, 16, 24, 32, 40, 48, 56])
  expect([formatTimestamp(plan.timestamps[8] ?? 0), plan.sampling]).toEqual(['1:19.7', 'keyframe'])
  expect([plan.contextTokens, plan.rope.type, plan.rope.scale.toFixed(2)]).toEqual([16_960, 'ntk', '4.14'])
  expect(plan.kvCache).toEqual({ type: 'int8', bytes: 4_447_010_816 })
  expect(plan.notes).toEqual([
    'Frames are read at keyframes, which moves a frame by up to 1 s, of 9.4 s between frames.',
    'The context of 16960 tokens is 4.14 times the 4096 of training; RoPE is scaled by ntk.',
  ])
  const pooled = planVideo(videoLlavaSpec, video, { frames: 64, pooling: 'average', tokenBudget: 1024 })
  expect([pooled.pooling?.shape, pooled.contextTokens]).toEqual([[32, 5, 5], 1312])
  expect(pooled.notes.slice(-2)).toEqual([
    '64 frames × 257 tokens = 16448 tokens pooled to 800, 95.1 % fewer (average).',
    'Pooling leaves out 1 of 16 rows, 1 of 16 columns: windows of 2×3×3, 2×3×3 apart, do not reach them.',
  ])
})
