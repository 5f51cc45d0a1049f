import { InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import type { Benchmark } from './benchmark.js'
import { describeModel, describeRun } from './environment.js'
import { runBench } from './run-bench.js'

const benchmark: Benchmark = {
  name: 'sums',
  summary: 'adds',
  options: ['--bound N'],
  run: async (args, note) => {
    note('adding')
    if (args.includes('--bad')) throw new InvalidOptionError('--bad', 'nothing', 'something')
    return { result: { sum: 3 }, text: 'three', failed: args.includes('--fail') }
  },
}

async function run(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await runBench([benchmark], args, {
    stdout: (text) => out.push(text),
    stderr: (text) => err.push(text),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('prints one object with the facts of the run, and progress elsewhere', async () => {
  const { code, out, err } = await run('sums', '--json')
  expect(code).toBe(0)
  const result = JSON.parse(out)
  expect(result).toMatchObject({ benchmark: 'sums', sum: 3, run: { onnxRuntime: expect.any(String) } })
  expect(err).toBe('adding')
})

test('prints a table for people', async () => {
  const { out } = await run('sums')
  expect(out).toMatch(/^three\n\n/)
})

test('exit codes', async () => {
  expect((await run('sums', '--json', '--fail')).code).toBe(1)
  expect(await run('sums', '--json', '--bad')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('--bad'),
  })
  expect(await run('products')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no benchmark products'),
  })
  expect((await run()).code).toBe(2)
  expect(await run('sums', '--help')).toMatchObject({ code: 0, err: expect.stringContaining('--bound N') })
  expect((await run('--help')).code).toBe(0)
})

test('says where it ran', async () => {
  const facts = await describeRun()
  expect(facts.runtime).toMatch(/^(node|bun|deno) \d/)
  expect(facts.cores).toBeGreaterThan(0)
  expect(Date.parse(facts.date)).not.toBeNaN()
  expect(facts.commit).toMatch(/^([0-9a-f]{40}(-dirty)?|unknown)$/)
})

test('names a checkpoint by its contents, wherever it lies', async () => {
  const url = new URL('../../../tests/data/parity/video_llava', import.meta.url)
  const { sha256 } = await describeModel(url.href)
  expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  const other = new URL('../../../tests/data/parity/video_llava_variants', import.meta.url)
  expect((await describeModel(other.href)).sha256).not.toBe(sha256)
  await expect(describeModel('no-such-folder')).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' })
  await expect(describeModel('@longtake/no-such-package')).rejects.toMatchObject({
    code: 'CHECKPOINT_NOT_FOUND',
  })
})
