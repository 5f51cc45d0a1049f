import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CancelledError, CheckpointError, InvalidOptionError } from '@longtake/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LoadOptions, load, preparedWeights, prepareWeights, removePrepared } from '../index.js'
import type { BuildProgress } from './build.js'

const TINY = '@longtake/tiny'
const checkpointPath = dirname(
  createRequire(import.meta.url).resolve('@longtake/tiny/checkpoint/config.json'),
)
const QUESTION = 'What colour is the square?'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-builds-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** Logits of one prompt over eight pictures. */
async function logitsOf(options: LoadOptions, model: string = TINY): Promise<number[]> {
  await using longtake = await load(model, { threads: 1, ...options })
  const frames = Array.from({ length: 8 }, (_, index) => ({
    rgb: new Uint8Array(64 * 64 * 3).fill(30 * index),
    width: 64,
    height: 64,
  }))
  const { logits } = await longtake.inspect(frames, { question: QUESTION })
  return [...logits.data.subarray(-64)]
}

/** A build in the test's folder, and what it reported. */
async function built(options: LoadOptions = {}, model: string = TINY): Promise<BuildProgress[]> {
  const reports: BuildProgress[] = []
  const longtake = await load(model, {
    weights: 'int4',
    threads: 1,
    builds: { folder, always: true },
    onProgress: (progress) => reports.push(progress),
    ...options,
  })
  await longtake.close()
  return reports
}

async function onlyBuild(): Promise<string> {
  const keys = await readdir(folder)
  expect(keys).toHaveLength(1)
  return join(folder, keys[0]!)
}

/** The prepared weights, and the files beside them. */
async function buildFiles(): Promise<{ names: string[]; weights: Buffer }> {
  const build = await onlyBuild()
  return { names: (await readdir(build)).sort(), weights: await readFile(join(build, 'weights')) }
}

test.each(
  (['fp32', 'int8', 'int4'] as const).flatMap((weights) =>
    (['resident', 'portable'] as const).map((backend) => ({ weights, backend })),
  ),
)('prepared weights answer as those in memory: $weights, $backend', async ({ weights, backend }) => {
  const inMemory = await logitsOf({ weights, backend, builds: false })
  expect(await logitsOf({ weights, backend, builds: { folder, always: true } })).toEqual(inMemory)
})

test('weights are prepared once, with progress to the end', async () => {
  const reports = await built()
  expect(reports.length).toBeGreaterThan(10)
  const done = reports.map(({ doneBytes }) => doneBytes)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  const { totalBytes } = reports.at(-1)!
  // What is missing are gaps of up to 63 bytes between arrays.
  expect(totalBytes - done.at(-1)!).toBeLessThan(64 * reports.length)
  const { names, weights } = await buildFiles()
  expect(names).toEqual(['manifest.json', 'weights'])
  expect(weights.length).toBe(totalBytes)
  expect(await built()).toEqual([])
})

test('a small model is not prepared on disk unless it is wanted', async () => {
  const before = process.env.LONGTAKE_HOME
  process.env.LONGTAKE_HOME = folder
  try {
    expect(await built({ builds: undefined })).toEqual([])
    expect(await built({ builds: { folder } })).toEqual([])
    expect(await readdir(folder)).toEqual([])
    expect(await built({ builds: true })).not.toEqual([])
    expect(await readdir(folder)).toEqual(['builds'])
  } finally {
    if (before === undefined) delete process.env.LONGTAKE_HOME
    else process.env.LONGTAKE_HOME = before
  }
})

test('a builder that is cancelled keeps what it has, the next one goes on', async () => {
  const whole = await built()
  const { weights } = await buildFiles()
  await rm(folder, { recursive: true })
  const stop = new AbortController()
  let reports = 0
  const cut = load(TINY, {
    weights: 'int4',
    builds: { folder, always: true },
    signal: stop.signal,
    onProgress: () => ++reports === 100 && stop.abort(),
  })
  await expect(cut).rejects.toThrow(CancelledError)
  const left = await readdir(await onlyBuild())
  expect(left.sort()).toEqual(['journal', 'weights.part'])
  const rest = await built()
  expect(rest.length).toBeGreaterThan(0)
  expect(rest.at(-1)).toEqual(whole.at(-1))
  // What was there is reported a weight at a time, what is written a part at a time.
  expect(rest.length).toBeLessThan(whole.length)
  const resumed = await buildFiles()
  expect(resumed.weights.equals(weights)).toBe(true)
  expect(resumed.names).toEqual(['manifest.json', 'weights'])
})

test('what was damaged in a half build is written again', async () => {
  await built()
  const { weights } = await buildFiles()
  await rm(folder, { recursive: true })
  const stop = new AbortController()
  let reports = 0
  const cut = load(TINY, {
    weights: 'int4',
    builds: { folder, always: true },
    signal: stop.signal,
    onProgress: () => ++reports === 120 && stop.abort(),
  })
  await expect(cut).rejects.toThrow(CancelledError)
  const build = await onlyBuild()
  const file = await open(join(build, 'weights.part'), 'r+')
  await file.write(Buffer.from('damage'), 0, 6, 5000)
  await file.close()
  await writeFile(join(build, 'journal'), '["cut shor', { flag: 'a' })
  await built()
  expect((await buildFiles()).weights.equals(weights)).toBe(true)
})

test('a process that is killed leaves no lock and no half weights behind', async () => {
  const script = `
    import { load } from '@longtake/runtime'
    let reports = 0
    await load('${TINY}', { weights: 'int4', builds: { folder: process.argv[1], always: true }, onProgress: () => {
      if (++reports === 60) process.kill(process.pid, 'SIGKILL')
    } })`
  const args = ['--input-type=module', '-e', script, folder]
  const { signal } = spawnSync(process.execPath, args, { cwd: import.meta.dirname })
  expect(signal).toBe('SIGKILL')
  expect(await readdir(await onlyBuild())).toContain('lock')
  await built()
  expect((await buildFiles()).names).toEqual(['manifest.json', 'weights'])
})

test('builders at the same time make one build', async () => {
  const reports = await Promise.all([built(), built(), built()])
  expect(reports.filter((list) => list.length > 0)).toHaveLength(1)
  expect((await buildFiles()).names).toEqual(['manifest.json', 'weights'])
})

test('waiting for another builder can be cancelled', async () => {
  await built()
  const build = await onlyBuild()
  await rm(join(build, 'manifest.json'))
  await writeFile(join(build, 'lock'), String(process.pid))
  const waiting = built({ signal: AbortSignal.timeout(300) })
  await expect(waiting).rejects.toThrow(CancelledError)
})

test('a damaged build is made again', async () => {
  const good = await built().then(buildFiles)
  const build = await onlyBuild()
  const damage = [
    () => writeFile(join(build, 'manifest.json'), '{'),
    () => writeFile(join(build, 'manifest.json'), '{"version":1,"key":7}'),
    () => writeFile(join(build, 'weights'), 'short'),
    () => rm(join(build, 'weights')),
  ]
  for (const damaged of damage) {
    await damaged()
    expect(await built()).not.toEqual([])
    expect((await buildFiles()).weights.equals(good.weights)).toBe(true)
  }
})

test('a checkpoint that changed is prepared anew', async () => {
  const copy = join(folder, 'checkpoint')
  const builds = { folder: join(folder, 'builds'), always: true }
  await cp(checkpointPath, copy, { recursive: true })
  expect(await built({ builds }, copy)).not.toEqual([])
  expect(await built({ builds }, copy)).toEqual([])
  await utimes(join(copy, 'model.safetensors'), new Date(), new Date(0))
  expect(await built({ builds }, copy)).not.toEqual([])
  expect(await readdir(builds.folder)).toHaveLength(2)
})

test('a folder that cannot be written is named', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const failure = built({ builds: { folder: file, always: true } })
  await expect(failure).rejects.toThrow(CheckpointError)
  await expect(failure).rejects.toMatchObject({
    code: 'CHECKPOINT_BUILD',
    message: expect.stringContaining(file),
  })
})

test('a disk that fills up stops the build, and what is there is kept', async () => {
  const script = `
    import { load } from '@longtake/runtime'
    const options = { weights: 'fp32', builds: { folder: process.argv[1], always: true } }
    await load('${TINY}', options).catch(({ code, message }) => console.log(code, message))`
  // The limit of a file's size stands for a disk that is full.
  const limited = `ulimit -f 4000; exec "$0" --input-type=module -e "$1" "$2"`
  const { stdout } = spawnSync('bash', ['-c', limited, process.execPath, script, folder], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  expect(stdout).toMatch(/^CHECKPOINT_BUILD The disk of .* is full/)
  expect((await readdir(await onlyBuild())).sort()).toEqual(['journal', 'weights.part'])
  expect((await stat(join(await onlyBuild(), 'journal'))).size).toBeGreaterThan(100)
})

test('options that mean nothing are refused', async () => {
  for (const builds of [7, 'here', { path: folder }, { folder: '' }, { folder: 'a\0b' }, { always: 1 }])
    await expect(load(TINY, { builds: builds as never })).rejects.toThrow(InvalidOptionError)
  await expect(load(TINY, { onProgress: 'loud' as never })).rejects.toThrow(InvalidOptionError)
})

test('weights can be prepared ahead, listed and removed', async () => {
  expect(await prepareWeights(TINY, { weights: 'int8', builds: { folder } })).toBeUndefined()
  const made = await prepareWeights(TINY, { weights: 'int8', builds: { folder, always: true } })
  if (made === undefined) throw new Error('nothing was prepared')
  expect(made).toMatchObject({ model: TINY, source: checkpointPath, storage: 'int8' })
  expect((await stat(join(made.folder, 'weights'))).size).toBe(made.sizeBytes)
  expect(await built({ weights: 'int8' })).toEqual([])
  expect(await prepareWeights(TINY, { weights: 'int8', builds: { folder, always: true } })).toEqual(made)
  expect(await preparedWeights({ folder })).toEqual([made])
  await removePrepared(made)
  expect(await preparedWeights({ folder })).toEqual([])
  expect(await readdir(folder)).toEqual([])
})

test('what is no build is not listed', async () => {
  await writeFile(join(folder, 'file'), '')
  await mkdir(join(folder, 'empty'))
  expect(await preparedWeights({ folder })).toEqual([])
  expect(await preparedWeights({ folder: join(folder, 'none') })).toEqual([])
})
