import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CHECKPOINT, runCli, VIDEO, WEBM } from '../test/run-cli.js'

describe('plan', () => {
  test('tells people what would happen', async () => {
    const { code, stdout, stderr } = await runCli(['plan', WEBM, '--model', CHECKPOINT, '--frames', '16'])
    for (const label of [
      'video',
      'model',
      'read',
      'encode',
      'context',
      'RoPE',
      'KV cache',
      'prefill',
      'download',
      'weights',
      'memory',
      'fits',
    ]) {
      expect(stdout).toMatch(new RegExp(`^${label} `, 'm'))
    }
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('--json prints one object', async () => {
    const method = 'rearrange=contiguous,context=linear,kvCache=int4'
    const { stdout, stderr } = await runCli([
      'plan',
      VIDEO,
      '--model',
      CHECKPOINT,
      '--frames',
      '16',
      '--method',
      method,
      '--json',
    ])
    const report = JSON.parse(stdout)
    expect(Object.keys(report)).toEqual(['model', 'video', 'plan', 'notes', 'resources'])
    expect(report.resources).toMatchObject({
      download: { bytes: 0, files: 0 },
      memory: { storage: 'fp32' },
      fits: { memory: expect.any(Boolean), disk: expect.toBeOneOf([true, false, null]) },
    })
    const { weights, kvCache, working, answering } = report.resources.memory
    expect(weights + kvCache + working).toBe(answering)
    expect(kvCache).toBe(report.plan.kvCache.bytes)
    expect(report.plan).toMatchObject({
      frames: 16,
      layout: 'contiguous',
      pooling: null,
      rope: { type: 'linear' },
      kvCache: { type: 'int4' },
    })
    expect(report.plan.timestamps).toHaveLength(16)
    expect(stderr).toBe('')
  })

  test('gives long answers room and leaves it at that for short ones', async () => {
    const contextOf = async (...flags: string[]): Promise<number> => {
      const { stdout } = await runCli([
        'plan',
        VIDEO,
        '--model',
        CHECKPOINT,
        '--frames',
        '8',
        '--json',
        ...flags,
      ])
      return JSON.parse(stdout).plan.contextTokens
    }
    const usual = await contextOf()
    expect(await contextOf('--max-tokens', '2')).toBe(usual)
    expect(await contextOf('--max-tokens', '2000')).toBeGreaterThan(2000)
    expect(await contextOf('--prompt-tokens', '500', '--max-tokens', '2000')).toBeGreaterThan(2500)
  })

  test('watches the part between --start and --end', async () => {
    const argv = [
      'plan',
      VIDEO,
      '--model',
      CHECKPOINT,
      '--frames',
      '8',
      '--start',
      '0:00.25',
      '--end',
      '0.75',
      '--json',
    ]
    const { timestamps } = JSON.parse((await runCli(argv)).stdout).plan
    expect(Math.min(...timestamps)).toBeGreaterThanOrEqual(0.25)
    expect(Math.max(...timestamps)).toBeLessThanOrEqual(0.75)
  })
})

/** All files of the embedded checkpoint, its subfolder with the guide's tokenizer included. */
function checkpointBytes(): number {
  const folder = fileURLToPath(new URL('../../tiny/checkpoint', import.meta.url))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  return files.reduce((sum, file) => sum + readFileSync(join(file.parentPath, file.name)).length, 0)
}

describe('models', () => {
  test('lists the embedded checkpoint', async () => {
    const { code, stdout } = await runCli(['models'])
    expect(stdout).toMatch(/^@longtake\/tiny {2}/)
    expect(code).toBe(0)
  })

  test('--json prints one object', async () => {
    const { stdout } = await runCli(['models', '--json'])
    const entry = {
      id: '@longtake/tiny',
      source: 'embedded',
      description: expect.any(String),
      sizeBytes: checkpointBytes(),
      present: expect.any(Boolean),
    }
    expect(JSON.parse(stdout)).toEqual({ models: [entry], prepared: [] })
  })
})

describe('doctor', () => {
  test('checks everything; its exit code says whether all is well', async () => {
    const { code, stdout, stderr } = await runCli(['doctor', '--json'])
    const { checks, machine, models } = JSON.parse(stdout) as {
      checks: { name: string; state: string; detail: string }[]
      machine: { memory: number; freeMemory: number }
      models: { id: string; source: string; storages: unknown[] }[]
    }
    expect(machine.freeMemory).toBeLessThanOrEqual(machine.memory)
    expect(models[0]).toMatchObject({ id: '@longtake/tiny', source: 'embedded', downloadBytes: 0 })
    expect(models.filter(({ source }) => source === 'published').length).toBeGreaterThan(3)
    for (const { storages } of models) expect(storages).toHaveLength(3)
    expect(checks.map(({ name }) => name)).toEqual([
      'runtime',
      'memory',
      'back end',
      'decoders',
      'cache',
      'checkpoint',
    ])
    expect(checks.find(({ name }) => name === 'decoders')).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/H\.264.*AV1/),
    })
    expect(checks.find(({ name }) => name === 'runtime')).toMatchObject({ state: 'ok' })
    expect(code).toBe(checks.some(({ state }) => state === 'failed') ? 4 : 0)
    expect(stderr).toBe('')
  })

  test('prints a line for each check, and a table of what fits', async () => {
    const { stdout } = await runCli(['doctor'])
    const [checks = '', table = ''] = stdout.split('\n\n')
    expect(checks.split('\n')).toHaveLength(6)
    expect(table).toMatch(/^What fits: .* free/)
    expect(table).toMatch(/^ {2}weights {2}8 frames +32 frames +64 frames +256 frames$/m)
    expect(table).toMatch(/^@longtake\/tiny {2}here\n {2}fp32 .*\n {2}int8 .*\n {2}int4 /m)
    expect(table).toMatch(/^LanguageBind\/Video-LLaVA-7B {2}to pull: about 15\.1 GB/m)
    for (const line of table.split('\n').slice(1)) expect(line.length).toBeLessThan(120)
  })
})
