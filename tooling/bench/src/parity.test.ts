import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parity } from './parity.js'
import { runBench } from './run-bench.js'

const SOURCE = fileURLToPath(new URL('../../../tests/data/parity/', import.meta.url))
/** NumPy pads headers to multiples of 64 bytes; these arrays have one of 128. */
const HEADER = 128

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'longtake-parity-'))
})
afterAll(() => rm(scratch, { recursive: true }))

async function runParity(...args: string[]) {
  const lines: string[] = []
  const code = await runBench([parity], ['parity', '--json', ...args], {
    stdout: (text) => lines.push(text),
    stderr: () => {},
  })
  return { code, cases: lines.length === 0 ? [] : JSON.parse(lines.join('\n')).cases }
}

async function tamper(name: string, file: string, change: (bytes: Buffer) => Buffer, source = 'video_llava') {
  const folder = join(scratch, name)
  await cp(join(SOURCE, source), folder, { recursive: true })
  const path = join(folder, 'expected', file)
  await writeFile(path, change(await readFile(path)))
  return runParity('--dir', folder)
}

describe.each(['video_llava', 'video_llava_variants', 'video_llava_original'])('%s', (name) => {
  test('agrees in fp32', async () => {
    const { code, cases } = await runParity('--dir', join(SOURCE, name))
    expect(code).toBe(0)
    expect(cases).toEqual(
      ['video', 'intp'].map((item) => ({
        case: item,
        pixelValues: expect.toSatisfy((error: number) => error <= 1e-4),
        visionFeatures: expect.toSatisfy((error: number) => error <= 1e-4),
        projected: expect.toSatisfy((error: number) => error <= 1e-4),
        visualTokens: expect.toSatisfy((error: number) => error <= 1e-4),
        promptIds: true,
        inputIds: true,
        logits: expect.toSatisfy((error: number) => error <= 1e-3),
        greedy: true,
      })),
    )
  })
})

const within = (bound: number) => expect.toSatisfy((error: number) => error <= bound)
const seen = { pixelValues: within(1e-4), visionFeatures: within(1e-4), projected: within(1e-4) }
const guided = { textEmbedding: within(1e-4), alignmentCosine: within(1e-4), alignment: within(1e-4) }
const answered = {
  ...{ pooled: within(1e-4), visualTokens: within(1e-4), promptIds: true, inputIds: true },
  ...{ logits: within(1e-3), greedy: true },
}
const GUIDED_CASES = { guide: { ...seen, ...guided, ...answered }, video_long_question: guided }

describe('still pictures', () => {
  const whole = {
    visualTokens: within(1e-4),
    promptIds: true,
    inputIds: true,
    logits: within(1e-3),
    greedy: true,
  }
  test.each([
    [
      'llava_next',
      {
        ...{ wide: { ...seen, ...whole }, tall: { ...seen, ...whole } },
        video: { visionFeatures: within(1e-4), ...whole },
      },
    ],
    ['llava_next_mistral', { upright: { ...seen, ...whole } }],
    ['ppllava_image', { image: { ...seen, ...guided, ...answered } }],
  ])('%s agrees in fp32', async (name, expected) => {
    const { code, cases } = await runParity('--dir', join(SOURCE, name))
    const found = Object.fromEntries(
      cases.map(({ case: item, ...stages }: { case: string }) => [item, stages]),
    )
    expect(found).toEqual(expected)
    expect(code).toBe(0)
  })
})

describe('pooling by a question', () => {
  test.each([
    ['ppllava', GUIDED_CASES],
    ['video_llava_guide', GUIDED_CASES],
    [
      'ppllava_btadapter',
      { ...GUIDED_CASES, groups: { ...seen, ...guided, ...answered, pixelValues: undefined } },
    ],
  ])('%s agrees in fp32', async (name, expected) => {
    const { code, cases } = await runParity('--dir', join(SOURCE, name))
    const found = Object.fromEntries(
      cases.map(({ case: item, ...stages }: { case: string }) => [item, stages]),
    )
    expect(found).toEqual(expected)
    expect(code).toBe(0)
  })
})

describe('published layouts by other choices', () => {
  const { pooled: _, ...plain } = answered
  const { pixelValues: __, projected: ___, ...features } = seen
  test.each([
    ['video_llava_per_frame', { ...seen, ...plain }],
    ['llava_next_plain', { ...features, ...plain }],
    ['llava_next_video', { ...features, ...plain }],
    ['llava_onevision_scaled', { ...features, ...answered }],
  ])('%s agrees in fp32', async (name, expected) => {
    const { code, cases } = await runParity('--dir', join(SOURCE, name))
    expect(cases).toEqual([{ case: 'video', ...expected }])
    expect(code).toBe(0)
  })
})

test.each(['llava_onevision', 'llava_onevision_variants'])('%s agrees in fp32', async (name) => {
  const { code, cases } = await runParity('--dir', join(SOURCE, name))
  expect(cases).toEqual([{ case: 'video', ...seen, ...answered }])
  expect(code).toBe(0)
})

describe('a folder that is wrong on purpose', () => {
  const addTo = (index: number, amount: number) => (bytes: Buffer) => {
    const at = HEADER + 4 * index
    bytes.writeFloatLE(bytes.readFloatLE(at) + amount, at)
    return bytes
  }

  test('in one logit makes the exit code 1', async () => {
    const { code, cases } = await tamper('logit', 'video.logits.npy', addTo(17, 0.0025))
    expect(code).toBe(1)
    expect(cases[0].logits).toBeCloseTo(0.0025, 4)
    expect(cases[1].logits).toBeLessThan(1e-3)
  })

  test('in one feature makes the exit code 1, at the tighter bound', async () => {
    const { code, cases } = await tamper('feature', 'intp.vision_features.npy', addTo(0, 0.0004))
    expect(code).toBe(1)
    expect(cases[1].visionFeatures).toBeCloseTo(0.0004, 4)
  })

  test.each([
    ['textEmbedding', 'text_embedding'],
    ['alignmentCosine', 'alignment_cosine'],
    ['alignment', 'alignment'],
    ['pooled', 'pooled'],
  ])('in the %s of guided pooling makes the exit code 1', async (stage, file) => {
    const { code, cases } = await tamper(file, `guide.${file}.npy`, addTo(5, 0.0004), 'ppllava')
    expect(code).toBe(1)
    expect(cases[0][stage]).toBeCloseTo(0.0004, 5)
  })

  test.each(['prompt_ids', 'input_ids', 'greedy'])('in %s makes the exit code 1', async (file) => {
    const { code, cases } = await tamper(file, `video.${file}.npy`, (bytes) => {
      bytes.writeInt32LE(bytes.readInt32LE(HEADER + 8) ^ 1, HEADER + 8)
      return bytes
    })
    expect(code).toBe(1)
    const stage = { prompt_ids: 'promptIds', input_ids: 'inputIds', greedy: 'greedy' }[file] ?? ''
    expect(cases[0][stage]).toBe(false)
  })

  test('in a shape gives an error and no number', async () => {
    const folder = join(scratch, 'shape')
    await cp(join(SOURCE, 'video_llava'), folder, { recursive: true })
    const path = join(folder, 'expected', 'expected.json')
    const document = JSON.parse(await readFile(path, 'utf8'))
    document.cases.video.files.projected = document.cases.intp.files.projected
    await writeFile(path, JSON.stringify(document))
    const { code, cases } = await runParity('--dir', folder)
    expect(code).toBe(1)
    expect(cases[0]).not.toHaveProperty('projected')
    expect(cases[0].errors).toEqual([expect.stringMatching(/^projected: expected \[32, .*got \[8, /)])
  })

  test('with NaN expected gives an error and no number', async () => {
    const { code, cases } = await tamper('nan', 'video.logits.npy', addTo(3, Number.NaN))
    expect(code).toBe(1)
    expect(cases[0]).not.toHaveProperty('logits')
    expect(cases[0].errors[0]).toMatch(/^logits: element 3 /)
  })

  test('with a stage that the engine has not gives an error', async () => {
    const folder = join(scratch, 'stage')
    await cp(join(SOURCE, 'video_llava'), folder, { recursive: true })
    const path = join(folder, 'expected', 'expected.json')
    const document = JSON.parse(await readFile(path, 'utf8'))
    document.cases.video.files.pooled = document.cases.video.files.projected
    await writeFile(path, JSON.stringify(document))
    const { code, cases } = await runParity('--dir', folder)
    expect(code).toBe(1)
    expect(cases[0].errors).toEqual([expect.stringMatching(/^pooled: .*did not compute/)])
  })

  test('in an array cut off cannot run', async () => {
    const { code, cases } = await tamper('cut', 'video.logits.npy', (bytes) => bytes.subarray(0, 500))
    expect(code).toBe(2)
    expect(cases).toEqual([])
  })
})

test('stages without a file are left out', async () => {
  const folder = join(scratch, 'fewer')
  await cp(join(SOURCE, 'video_llava'), folder, { recursive: true })
  const path = join(folder, 'expected', 'expected.json')
  const document = JSON.parse(await readFile(path, 'utf8'))
  delete document.cases.intp
  delete document.cases.video.files.projected
  delete document.cases.video.files.prompt_ids
  await writeFile(path, JSON.stringify(document))
  const { code, cases } = await runParity('--dir', folder)
  expect(code).toBe(0)
  expect(cases).toHaveLength(1)
  expect(Object.keys(cases[0])).toEqual([
    'case',
    'pixelValues',
    'visionFeatures',
    'visualTokens',
    'inputIds',
    'logits',
    'greedy',
  ])
})

test('a quantised cache is measured, and its numbers break no fp32 bound', async () => {
  const { code, cases } = await runParity('--dir', join(SOURCE, 'video_llava'), '--kv', 'int8')
  expect(cases[0].visionFeatures).toBeLessThan(1e-4)
  expect(cases[0].logits).toBeGreaterThan(1e-3)
  expect(code).toBe(cases.every((item: { greedy: boolean }) => item.greedy) ? 0 : 1)
})

test.each([[[]], [['--dir', 'no-such-folder']], [['--dir', '.', '--kv', 'int2']]])(
  'arguments %j cannot run',
  async (args) => {
    expect(await runParity(...args)).toEqual({ code: 2, cases: [] })
  },
)
