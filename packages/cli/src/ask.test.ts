import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHECKPOINT, dataPath, type RunOptions, runCli, VIDEO, WEBM } from '../test/run-cli.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-cli-'))
  await mkdir(join(folder, 'sub.png'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ask = (file: string, flags: readonly string[] = [], options?: RunOptions) =>
  runCli(['ask', file, 'What is first?', '--model', CHECKPOINT, '--max-tokens', '4', ...flags], options)

describe('answer', () => {
  test('is the only thing on stdout; stages, moments and costs go to stderr', async () => {
    const { code, stdout, stderr } = await ask(VIDEO, ['--frames', '16'])
    expect(stdout).toMatch(/^[^\n]*\n$/)
    expect(stderr).toMatch(
      /^load: .*\n(note: .*\n)*open: .*\ndecode: 16\/16 frames .*\nencode: 16\/16 frames .*\nprefill: \d+\/\d+ tokens .*\n/,
    )
    expect(stderr).toMatch(/16 frames · \d+\+\d+ tokens · \d+\.\d\d s/)
    expect(code).toBe(0)
  })

  test('--quiet leaves stderr empty', async () => {
    expect(await ask(WEBM, ['--quiet'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('is the same with the portable back end, and repeatable with a seed', async () => {
    const random = ['--temperature', '2', '--top-p', '0.9', '--seed', '7', '--quiet']
    const [first, second] = [await ask(VIDEO, random), await ask(VIDEO, [...random, '--backend', 'portable'])]
    expect(second).toEqual(first)
  })

  test('--repetition-penalty keeps words from coming again', async () => {
    const { stdout } = await ask(VIDEO, ['--quiet', '--repetition-penalty', '100', '--max-tokens', '5'])
    const words = stdout.trim().split(' ')
    expect(new Set(words).size).toBe(words.length)
    expect(stdout).not.toBe((await ask(VIDEO, ['--quiet', '--max-tokens', '5'])).stdout)
  })

  test('--top-k 1 is greedy at any temperature', async () => {
    const top = await ask(VIDEO, ['--quiet', '--top-k', '1', '--temperature', '5'])
    expect(top).toEqual(await ask(VIDEO, ['--quiet', '--sampling-defaults', 'checkpoint']))
  })

  test('--stop ends it', async () => {
    const { stdout } = await ask(VIDEO, ['--quiet'])
    const [word = ''] = stdout.trim().split(' ')
    expect(await ask(VIDEO, ['--quiet', '--stop', word])).toMatchObject({ code: 0, stdout: '\n' })
  })
})

describe('--json', () => {
  test('prints one object in the documented shape', async () => {
    const { code, stdout } = await ask(VIDEO, ['--json', '--frames', '16', '--kv', 'int8', '--rope', 'ntk'])
    const report = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(report).toEqual({
      answer: expect.any(String),
      model: CHECKPOINT,
      video: {
        duration: expect.any(Number),
        width: expect.any(Number),
        height: expect.any(Number),
        codec: 'h264',
      },
      plan: {
        frames: 16,
        clips: expect.any(Number),
        visualTokens: expect.any(Number),
        contextTokens: expect.any(Number),
        rope: { type: 'ntk', scale: expect.any(Number) },
        pooling: null,
        kvCache: { type: 'int8', bytes: expect.any(Number) },
        sampling: expect.stringMatching(/^(keyframe|exact)$/),
      },
      frames: Array.from({ length: 16 }, (_, index) => ({
        index,
        timestamp: expect.any(Number),
        weight: expect.any(Number),
      })),
      usage: { promptTokens: expect.any(Number), completionTokens: expect.any(Number) },
      timings: Object.fromEntries(
        ['open', 'decode', 'encode', 'prefill', 'firstToken', 'total'].map((stage) => [
          stage,
          expect.any(Number),
        ]),
      ),
      notes: expect.any(Array),
    })
    const weights: number[] = report.frames.map(({ weight }: { weight: number }) => weight)
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 3)
    expect(report.usage.completionTokens).toBeLessThanOrEqual(4)
  })

  test('says the same as the plan', async () => {
    const flags = ['--frames', '16', '--start', '0:00.5', '--json', '--model', CHECKPOINT]
    const answered = await runCli(['ask', VIDEO, 'What?', ...flags])
    const planned = await runCli(['plan', VIDEO, ...flags])
    expect(JSON.parse(planned.stdout).plan).toMatchObject(JSON.parse(answered.stdout).plan)
  })

  test('leaves stdout empty when something is wrong', async () => {
    expect(await ask(join(folder, 'none.mp4'), ['--json'])).toMatchObject({ code: 3, stdout: '' })
  })
})

describe('--storyboard', () => {
  test('writes a PNG', async () => {
    const path = join(folder, 'board.png')
    expect(await ask(VIDEO, ['--storyboard', path])).toMatchObject({ code: 0 })
    expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG')
  })

  test.each([
    ['a folder that is not there', () => join(folder, 'none', 'board.png')],
    ['another ending, such as the video itself', () => VIDEO],
    ['a folder', () => join(folder, 'sub.png')],
  ])('refuses %s before anything runs', async (_name, path) => {
    const { code, stdout, stderr } = await ask(VIDEO, ['--storyboard', path()])
    expect(stderr).toMatch(/^error: --storyboard: expected .*\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe('bad input', () => {
  test.each([
    ['a missing file', 'none.mp4', undefined, /There is no file/],
    ['an empty file', 'empty.mp4', '', /empty/],
    ['text named .mp4', 'text.mp4', 'Dear reader,\nthis is no film.\n', /text\.mp4/],
    ['a folder', '', undefined, /is a folder/],
  ])('%s ends with 3', async (_name, file, content, message) => {
    const path = join(folder, file)
    if (content !== undefined) await writeFile(path, content)
    const { code, stdout, stderr } = await ask(path)
    expect(stderr).toMatch(/^error: .*\n$/)
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  })

  test.each([
    ['a link into a network of its own', 'http://10.0.0.1/talk.mp4'],
    ['audio only', dataPath('video/audio-only.mp4')],
    ['an unknown codec', dataPath('video/unknown-codec.mp4')],
  ])('%s ends with 3', async (_name, file) => {
    const { code, stderr } = await ask(file)
    expect(stderr).toMatch(/^error: .*\n$/)
    expect(code).toBe(3)
  })

  test.each([
    ['a truncated file', VIDEO, 0.5],
    ['a file cut within its header', WEBM, 0.01],
  ])('%s is watched as far as it goes, or refused by name', async (_name, file, share) => {
    const bytes = await readFile(file)
    const path = join(folder, file === VIDEO ? 'cut.mp4' : 'cut.webm')
    await writeFile(path, bytes.subarray(0, bytes.length * share))
    const { code, stderr } = await ask(path)
    expect([0, 3]).toContain(code)
    expect(stderr).toMatch(code === 0 ? /note: cut\.\w+ is cut off/ : /^error: .*\n$/)
  })

  test.each(['none-such', '@longtake/none', 'nobody/model', 'https://example.com/model'])(
    'model %s ends with 4',
    async (model) => {
      const { code, stdout, stderr } = await runCli(['ask', VIDEO, 'What?', '--model', model])
      expect(stderr).toMatch(/(^|\n)error: .*\n$/)
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    },
  )
})

describe('questions', () => {
  test.each(['', '  \n '])('%j ends with 2, before anything runs', async (question) => {
    const { code, stderr } = await runCli(['ask', VIDEO, question, '--model', CHECKPOINT])
    expect(stderr).toBe(`error: question: expected text that is not empty, got ${JSON.stringify(question)}\n`)
    expect(code).toBe(2)
  })

  test.each([300, 10_000])('of %i words end with 2, unless room is made for them', async (words) => {
    const question = 'what '.repeat(words)
    const { code, stdout, stderr } = await runCli(['ask', VIDEO, question, '--model', CHECKPOINT])
    expect(stderr).toMatch(/error: The question takes \d+ tokens .* --prompt-tokens\.\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    if (words > 1000) return
    const room = ['--prompt-tokens', '1000', '--max-tokens', '1', '--quiet']
    const answered = await runCli(['ask', VIDEO, question, '--model', CHECKPOINT, ...room])
    expect(answered).toMatchObject({ code: 0, stderr: '' })
  })
})
