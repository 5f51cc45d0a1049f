import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answer } from './answer.js'
import type { Benchmark } from './benchmark.js'
import { pooling } from './pooling.js'
import { quality } from './quality.js'
import { runBench } from './run-bench.js'

const DATA = fileURLToPath(new URL('../../../tests/data/', import.meta.url))
const MODEL = ['--model', join(DATA, 'parity/video_llava')]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-quality-'))
  const files = ['vp9.webm', 'h264.mp4']
  for (const file of files) await cp(join(DATA, 'video', file), join(folder, file))
  const questions = [
    { kind: 'drift', text: 'which way ?', answer: 'left' },
    { kind: 'number', text: 'which number ?', answer: '7' },
  ]
  const videos = files.map((file) => ({ file, questions }))
  await writeFile(join(folder, 'questions.json'), JSON.stringify({ seed: 5, shots: 1, videos }))
})
afterAll(() => rm(folder, { recursive: true }))

async function run(benchmark: Benchmark, ...args: string[]) {
  let out = ''
  const code = await runBench([benchmark], [benchmark.name, '--json', ...args], {
    stdout: (text) => {
      out += text
    },
    stderr: () => {},
  })
  return { code, result: JSON.parse(out) }
}

test('quality prints every arm with its kinds', async () => {
  const axes = [
    '--frames',
    '8,16',
    '--layouts',
    'interleaved,contiguous',
    '--ropes',
    'ntk',
    '--kv',
    'fp32,int8',
    '--pooling',
    'none,average,auto',
  ]
  const { code, result } = await run(quality, '--data', folder, ...MODEL, ...axes)
  expect(code).toBe(0)
  expect(result).toMatchObject({
    data: { seed: 5, shots: 1, videos: 2 },
    model: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    run: { commit: expect.any(String) },
  })
  // unpooled 2 × 3; averaged 8 and 16 frames at 8, 4, 2 tokens, 16 and 32 at 16, 8, 4, shared ones once; the default
  expect(result.arms).toHaveLength(2 * 3 + 10 + 1)
  for (const arm of result.arms) {
    expect(arm.tokens).toBeLessThanOrEqual(arm.tokenBudget ?? Number.POSITIVE_INFINITY)
    expect(['none', 'average']).toContain(arm.pooling)
    expect(arm).toMatchObject({
      frames: expect.any(Number),
      layout: expect.any(String),
      rope: expect.any(String),
      kv: expect.any(String),
      questions: 4,
      kinds: { drift: expect.any(Number), number: expect.any(Number) },
      families: { slow: expect.any(Number) },
      groups: { smallPart: expect.any(Number), whole: expect.any(Number) },
      margin95: expect.any(Number),
    })
    expect(arm.accuracy).toBeGreaterThanOrEqual(0)
    expect(arm.accuracy).toBeLessThanOrEqual(1)
  }
})

test('answer prints stages that add up to the first token', async () => {
  const { result } = await run(answer, ...MODEL, '--rounds', '1', '--frames', '8')
  const { stages, first, followUp, ratio } = result
  const sum = Object.values<{ median: number }>(stages).reduce((total, { median }) => total + median, 0)
  expect(sum).toBeCloseTo(first.firstToken.median, 6)
  expect(ratio).toBeCloseTo(first.firstToken.median / followUp.firstToken.median, 6)
  expect(result.plan.frames).toBe(8)
})

test('pooling times both sides of the same answers', async () => {
  const { code, result } = await run(pooling, '--frames', '2', '--rounds', '1', '--average')
  expect(code).toBe(0)
  expect(result.cases).toHaveLength(1)
  const [one] = result.cases
  expect(one).toMatchObject({ frames: 2, tokensNone: 2 * 576, tokensGuided: 64 })
  expect(one.ratio).toBeCloseTo(one.secondsNone / one.secondsGuided, 6)
  expect(one.ratioAverage).toBeCloseTo(one.secondsNone / one.secondsAverage, 6)
  expect(one.operationsRatio7B).toBeGreaterThan(1)
})
