import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from '@longtake/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noisePictures } from './noise-pictures.js'
import { ONEVISION_SIZES, onevisionCheckpoint } from './onevision-checkpoint.js'
import { type RandomCheckpoint, writeRandomCheckpoint } from './random-checkpoint.js'
import { SEVEN_BILLION, videoLlavaCheckpoint } from './seven-billion-checkpoint.js'
import { SMALL_LLAVA, SMALL_ONEVISION } from './small-checkpoints.js'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-random-'))
})
afterAll(() => rm(root, { recursive: true }))

function countOf({ tensors }: RandomCheckpoint): number {
  return [...tensors.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)
}

test('the full size has as many parameters as are published', () => {
  const checkpoint = videoLlavaCheckpoint(SEVEN_BILLION)
  const part = (prefix: string) => {
    const named = [...checkpoint.tensors].filter(([name]) => name.startsWith(prefix))
    return countOf({ ...checkpoint, tensors: new Map(named) })
  }
  const [image, video] = [part('model.image_tower.'), part('model.video_tower.')]
  // Llama 2 7B; CLIP ViT-L/14 without its projection; per layer of 24 an attention, a norm and 8 vectors more
  expect(countOf(checkpoint) - image - video - part('model.mm_projector.')).toBe(6_738_415_616)
  expect(image).toBe(303_179_776)
  expect(video - image).toBe(24 * (4 * (1024 * 1024 + 1024) + 2 * 1024 + 8 * 1024))
})

test('LLaVA-OneVision has as many parameters as are published', async () => {
  const checkpoint = await onevisionCheckpoint(ONEVISION_SIZES)
  const names = [...checkpoint.tensors.keys()]
  expect(names).not.toContain('language_model.lm_head.weight')
  // Qwen2-0.5B's 494,032,768 have a table of 151,936 rows, this one 152,000
  const text = names.filter((name) => name.startsWith('language_model.'))
  const shapes = new Map(text.map((name) => [name, checkpoint.tensors.get(name) ?? []]))
  expect(countOf({ ...checkpoint, tensors: shapes })).toBe(494_032_768 + 64 * 896)
})

test('what is written loads and answers', async () => {
  const folder = join(root, 'llava')
  const written = await writeRandomCheckpoint(folder, videoLlavaCheckpoint(SMALL_LLAVA, 300_000))
  expect(written.shards).toBeGreaterThan(1)
  await using longtake = await load(folder, { weights: 'int4', threads: 1 })
  await using watched = await longtake.watchFrames(noisePictures(16, 28), { kvCache: 'int4' })
  expect(watched.plan).toMatchObject({ frames: 16, visualTokens: 16 * 5, kvCache: { type: 'int4' } })
  const { usage, finishReason } = await watched.ask('What happens?', { maxTokens: 6 })
  expect(usage.completionTokens).toBe(6)
  expect(finishReason).toBe('length')
})

test('a LLaVA-OneVision loads and answers', async () => {
  const folder = join(root, 'onevision')
  await writeRandomCheckpoint(folder, await onevisionCheckpoint(SMALL_ONEVISION))
  await using longtake = await load(folder, { threads: 1 })
  await using watched = await longtake.watchFrames(noisePictures(2, 44))
  expect(watched.plan.visualTokens).toBe(2 * 4 + 1)
  expect((await watched.ask('What happens?', { maxTokens: 6 })).usage.completionTokens).toBe(6)
})

test('complete shards are kept, others written again, the same as before', async () => {
  const folder = join(root, 'again')
  const checkpoint = videoLlavaCheckpoint(SMALL_LLAVA, 300_000)
  const { shards, weightBytes } = await writeRandomCheckpoint(folder, checkpoint)
  expect(weightBytes).toBe(2 * countOf(checkpoint))
  const files = (await readdir(folder)).filter((file) => file.endsWith('.safetensors'))
  const before = await Promise.all(files.map((file) => readFile(join(folder, file))))
  await truncate(join(folder, files[1] ?? ''), 1000)
  expect(await writeRandomCheckpoint(folder, checkpoint)).toMatchObject({ reusedShards: shards - 1 })
  const after = await Promise.all(files.map((file) => readFile(join(folder, file))))
  expect(after).toEqual(before)
  expect((await readdir(folder)).some((file) => file.endsWith('.part'))).toBe(false)
})

test('shards of other sizes are not taken for complete', async () => {
  const folder = join(root, 'other')
  const checkpoint = videoLlavaCheckpoint(SMALL_LLAVA, 300_000)
  await writeRandomCheckpoint(folder, checkpoint)
  const renamed = [...checkpoint.tensors].map(([name, shape]) => [name.replace('o_proj', 'x_proj'), shape])
  const other = { ...checkpoint, tensors: new Map(renamed as [string, readonly number[]][]) }
  const { reusedShards, shards } = await writeRandomCheckpoint(folder, other)
  expect(reusedShards).toBeLessThan(shards)
})

test('a disk without room is refused before anything is written', async () => {
  const folder = join(root, 'full')
  const checkpoint = { ...videoLlavaCheckpoint(SMALL_LLAVA), tensors: new Map([['huge', [2 ** 50]]]) }
  await expect(writeRandomCheckpoint(folder, checkpoint)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('--dir'),
  })
  expect(await readdir(folder)).toEqual([])
})

test('weights are normally distributed, norms are 1, the row of the end token is 0', async () => {
  const folder = join(root, 'values')
  const checkpoint: RandomCheckpoint = {
    files: new Map(),
    tensors: new Map([
      ['norm.weight', [3]],
      ['head.weight', [400, 100]],
    ]),
    zeroRows: new Map([['head.weight', 1]]),
    shardBytes: 1e6,
  }
  await writeRandomCheckpoint(folder, checkpoint)
  const path = join(folder, 'model-00001-of-00001.safetensors')
  const bytes = await readFile(path)
  const start = 8 + Number(bytes.readBigUInt64LE())
  expect((await stat(path)).size).toBe(start + 2 * 40_003)
  const at = (index: number) => {
    const single = Buffer.alloc(4)
    single.writeUInt16LE(bytes.readUInt16LE(start + 2 * index), 2)
    return single.readFloatLE()
  }
  expect([at(0), at(1), at(2)]).toEqual([1, 1, 1])
  const values = Array.from({ length: 40_000 }, (_, index) => at(3 + index))
  expect(values.slice(100, 200).every((value) => value === 0)).toBe(true)
  const others = [...values.slice(0, 100), ...values.slice(200)]
  const mean = others.reduce((sum, value) => sum + value, 0) / others.length
  const deviation = Math.sqrt(others.reduce((sum, value) => sum + (value - mean) ** 2, 0) / others.length)
  // four standard errors of 39,900 values
  expect(Math.abs(mean)).toBeLessThan(4 * (0.02 / 200))
  expect(Math.abs(deviation - 0.02)).toBeLessThan(0.0005)
  expect(Math.max(...others.map(Math.abs))).toBeLessThan(0.13)
})
