import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CACHE, CHECKPOINT, GUIDED, runCli, VIDEO } from '../test/run-cli.js'

const report = async (command: 'ask' | 'plan', ...flags: string[]) => {
  const question = command === 'ask' ? ['What is first?', '--max-tokens', '2'] : []
  const { code, stdout, stderr } = await runCli([
    command,
    VIDEO,
    ...question,
    '--frames',
    '8',
    '--json',
    ...flags,
  ])
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('pooling', () => {
  test('is reported by plan and ask alike, with tokens before and after', async () => {
    const flags = ['--model', GUIDED, '--pooling', 'guided', '--kernel', '2,3,3']
    const { plan, frames } = await report('ask', ...flags)
    expect((await report('plan', ...flags)).plan.pooling).toEqual(plan.pooling)
    expect(plan.pooling).toEqual({
      method: 'guided',
      kernel: [2, 3, 3],
      stride: [2, 3, 3],
      grid: [8, 6, 6],
      shape: [4, 2, 2],
      tokens: 16,
      tokensBefore: 288,
    })
    expect(plan.visualTokens).toBe(16)
    const relevance: number[] = frames.map((frame: { relevance: number }) => frame.relevance)
    expect(relevance.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4)
  })

  test('that is not guided gives no relevance', async () => {
    const { plan, frames } = await report(
      'ask',
      '--model',
      CHECKPOINT,
      '--pooling',
      'average',
      '--kernel',
      '2,1,1',
    )
    expect(plan.pooling).toMatchObject({ method: 'average', kernel: [2, 1, 1] })
    expect(frames[0]).not.toHaveProperty('relevance')
  })

  test('may be named in --method, and given a budget of tokens', async () => {
    const { plan } = await report('plan', '--model', GUIDED, '--method', 'pooling=max', '--tokens', '8')
    expect(plan.pooling.method).toBe('max')
    expect(plan.pooling.tokens).toBeLessThanOrEqual(8)
    expect((await report('plan', '--model', GUIDED, '--pooling', 'none')).plan.pooling).toBeNull()
  })

  test('takes the window alone where the checkpoint pools by itself', async () => {
    const { plan } = await report('plan', '--model', GUIDED, '--kernel', '4x6x6')
    expect(plan.pooling).toMatchObject({ method: 'guided', kernel: [4, 6, 6], tokens: 2 })
  })

  test('is told to people', async () => {
    const { stdout } = await runCli(['plan', VIDEO, '--model', GUIDED, '--frames', '8'])
    expect(stdout).toMatch(/^pooling +guided, windows of 2×3×3: 288 → 16 tokens \(94\.4 % fewer\)$/m)
  })
})

describe('feature cache', () => {
  const entries = async (folder: string): Promise<string[]> =>
    (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.features'))
  const ask = (...flags: string[]) =>
    runCli(['ask', VIDEO, 'What?', '--model', GUIDED, '--frames', '8', '--max-tokens', '2', ...flags])

  test('is on, and makes the next question need no video', async () => {
    const folder = join(CACHE, 'own')
    expect((await ask('--cache-dir', folder)).stderr).not.toContain('came from the cache')
    expect(await entries(folder)).toHaveLength(1)
    const again = await ask('--cache-dir', folder)
    expect(again.stderr).toMatch(/^note: Features came from the cache/m)
    expect(again.code).toBe(0)
  })

  test('keeps nothing where it is off or too small, and the answer stays the same', async () => {
    const folder = join(CACHE, 'off')
    const kept = await ask('--quiet')
    expect(await ask('--quiet', '--no-cache', '--cache-dir', folder)).toEqual(kept)
    expect(await ask('--quiet', '--cache-size', '10', '--cache-dir', folder)).toEqual(kept)
    expect(await entries(folder)).toEqual([])
  })

  test('that cannot be used is a note, not a failure', async () => {
    const { code, stderr } = await ask('--cache-dir', join(VIDEO, 'no-folder'))
    expect(stderr).toMatch(/^note: The feature cache was not used: /m)
    expect(code).toBe(0)
  })

  test('is shown by doctor', async () => {
    await rm(CACHE, { recursive: true, force: true })
    const line = async (): Promise<string> =>
      (await runCli(['doctor'])).stdout.split('\n').find((text) => /^\S+ +cache /.test(text)) ?? ''
    expect(await line()).toContain(`${CACHE}: empty`)
    await ask()
    expect(await line()).toMatch(/: 1 video, [\d.]+ [kM]B$/)
  })
})
