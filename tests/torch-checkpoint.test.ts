import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toTorch } from '../packages/kernels/test/torch-file.js'
import { load } from '../packages/runtime/src/index.js'
import {
  type MadeCheckpoint,
  makeCheckpoint,
  writeCheckpoint,
} from '../packages/runtime/test/random-checkpoint.js'
import { madePictures } from './support/films.js'
import { held } from './support/held.js'
import { SEED } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const INDEX = 'pytorch_model.bin.index.json'

type Tensors = MadeCheckpoint['tensors']

async function folderOf(made: MadeCheckpoint, weights: Record<string, Uint8Array | string>): Promise<string> {
  const { folder } = await writeCheckpoint(made)
  await rm(join(folder, 'model.safetensors'))
  for (const [name, content] of Object.entries(weights)) await writeFile(join(folder, name), content)
  return folder
}

async function answer(folder: string): Promise<unknown> {
  const longtake = await load(folder, { threads: 1 })
  const video = await longtake.watchFrames(madePictures(8))
  const { text, frames } = await video.ask('what is the first colour ?')
  await video.close()
  await longtake.close()
  return { text, frames }
}

/** The tensors in two shards, and the index that says which is where. */
function inShards(tensors: Tensors): Record<string, Uint8Array | string> {
  const names = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin']
  const fileOf = [...tensors.keys()].map((name, i) => [name, names[i % 2] ?? ''] as const)
  const shard = (file: string) =>
    toTorch(new Map([...tensors].filter(([name]) => fileOf.some(([of, at]) => of === name && at === file))))
  return {
    ...Object.fromEntries(names.map((name) => [name, shard(name)])),
    [INDEX]: JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(fileOf) }),
  }
}

test('a checkpoint in .bin, .pth or shards answers as its safetensors do', async () => {
  const made = makeCheckpoint({}, SEED)
  const { folder } = await writeCheckpoint(made)
  const expected = await answer(folder)
  expect(expected).toMatchObject({ text: expect.stringMatching(/\w/) })
  const whole = toTorch(made.tensors)
  const rest = { 'optimizer.bin': 'no archive', 'training_args.bin': 'no archive' }
  for (const weights of [
    { 'pytorch_model.bin': whole, ...rest },
    { 'model.pth': whole },
    { ...inShards(made.tensors), ...rest },
  ]) {
    expect(await answer(await folderOf(made, weights))).toEqual(expected)
  }
})

test('safetensors are preferred', async () => {
  const { folder } = await writeCheckpoint(makeCheckpoint({}, SEED))
  await writeFile(join(folder, 'pytorch_model.bin'), 'no archive')
  await writeFile(join(folder, INDEX), '{}')
  await (await load(folder, { threads: 1 })).close()
})

test.each<[string, (folder: string) => Promise<unknown>, string, string[]]>([
  [
    'a shard that is missing',
    (folder) => rm(join(folder, 'pytorch_model-00002-of-00002.bin')),
    'CHECKPOINT_NOT_FOUND',
    ['pytorch_model-00002-of-00002.bin'],
  ],
  [
    'an index that leaves the folder',
    (folder) => writeFile(join(folder, INDEX), JSON.stringify({ weight_map: { x: '../../etc/passwd.bin' } })),
    'CHECKPOINT_INVALID',
    [INDEX, '../../etc/passwd.bin'],
  ],
  [
    'an index of another kind of file',
    (folder) => writeFile(join(folder, INDEX), JSON.stringify({ weight_map: { x: 'x.safetensors' } })),
    'CHECKPOINT_INVALID',
    [INDEX, 'x.safetensors'],
  ],
  [
    'a shard that is cut off',
    async (folder) => {
      const path = join(folder, 'pytorch_model-00001-of-00002.bin')
      await writeFile(path, (await readFile(path)).subarray(0, 5000))
    },
    'CHECKPOINT_INVALID',
    ['pytorch_model-00001-of-00002.bin', 'cut off'],
  ],
  [
    'no index and no name to go by',
    async (folder) => {
      await rm(join(folder, INDEX))
      await rename(join(folder, 'pytorch_model-00001-of-00002.bin'), join(folder, 'a.bin'))
      await rename(join(folder, 'pytorch_model-00002-of-00002.bin'), join(folder, 'b.bin'))
    },
    'CHECKPOINT_INVALID',
    ['pytorch_model.bin'],
  ],
])('%s is refused, and no file stays open', async (_, damage, code, parts) => {
  const made = makeCheckpoint({}, SEED)
  const folder = await folderOf(made, inShards(made.tensors))
  await damage(folder)
  const before = await held()
  const failure = await expectRefusal(load(folder, { threads: 1 }), code)
  for (const part of parts) expect(failure.message).toContain(part)
  expect(await held()).toEqual(before)
})
