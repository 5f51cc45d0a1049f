import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { load } from '../packages/runtime/src/index.js'
import { type Json, makeCheckpoint, writeCheckpoint } from '../packages/runtime/test/random-checkpoint.js'
import { held } from './support/held.js'
import { SEED } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { dataPath } from './support/tiny-model.js'

useTemporaryFolder()

const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** A sound checkpoint of a text model with attention over frames, in a folder of its own. */
async function soundFolder(): Promise<string> {
  return (await writeCheckpoint(makeCheckpoint({}, SEED))).folder
}

/** A copy of one of the parity folders. */
async function copyOf(name: string): Promise<string> {
  const folder = join(await mkdtemp(temporaryPath('copy-')), name)
  await cp(dataPath(`parity/${name}`), folder, { recursive: true })
  return folder
}

/** Loading is refused with these words, and nothing stays open. */
async function expectRefused(folder: string, code: string, ...parts: string[]): Promise<void> {
  const before = await held()
  const { message } = await expectRefusal(load(folder, { threads: 1 }), code)
  for (const part of parts) expect(message).toContain(part)
  expect(await held()).toEqual(before)
}

async function changeJson(folder: string, file: string, change: (json: Json) => unknown): Promise<void> {
  const path = join(folder, file)
  const json = JSON.parse(await readFile(path, 'utf8'))
  const changed = change(json) ?? json
  await writeFile(path, typeof changed === 'string' ? changed : JSON.stringify(changed))
}

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

/** Writes the header of the weights anew; the data after it stays. */
async function changeHeader(
  folder: string,
  change: (header: Record<string, Entry>) => Json | undefined,
): Promise<void> {
  const path = join(folder, WEIGHTS)
  const bytes = await readFile(path)
  const end = 8 + Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.toString('utf8', 8, end))
  const text = Buffer.from(JSON.stringify(change(header) ?? header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  await writeFile(path, Buffer.concat([length, text, bytes.subarray(end)]))
}

const NORM = 'language_model.model.norm.weight'

test.each<[string, (header: Record<string, Entry>) => Json | undefined, string[]]>([
  [
    'a tensor shorter than its shape',
    (header) => void (header[NORM] as Entry).shape.push(2),
    [NORM, 'needs 256 bytes', 'has 128'],
  ],
  [
    'a tensor of a wider type than its bytes',
    (header) => void Object.assign(header[NORM] as Entry, { dtype: 'F64' }),
    [NORM, 'needs 256 bytes'],
  ],
  [
    'tensors that overlap',
    (header) => {
      const [first, second] = Object.values(header).filter(({ shape }) => shape?.join() === '32')
      Object.assign(second as Entry, { data_offsets: first?.data_offsets })
    },
    ['overlaps'],
  ],
  [
    'a negative size',
    (header) => void Object.assign(header[NORM] as Entry, { shape: [-32] }),
    [NORM, 'list of sizes'],
  ],
  [
    'an unknown type',
    (header) => void Object.assign(header[NORM] as Entry, { dtype: 'F4' }),
    [NORM, 'unknown type "F4"'],
  ],
])('%s', async (_, change, parts) => {
  const folder = await soundFolder()
  await changeHeader(folder, change)
  await expectRefused(folder, 'CHECKPOINT_INVALID', WEIGHTS, ...parts, 'Download the file again')
})

test('a tensor of another size or type is named with its file, and what is missing with what to do', async () => {
  const changed = await copyOf('llava_onevision_scaled')
  await changeJson(changed, 'config.json', (config) => {
    Object.assign(config.text_config as Json, { intermediate_size: 41 })
  })
  await expectRefused(changed, 'CHECKPOINT_TENSOR', '.safetensors: config.json asks for shape', '41')
  await changeJson(changed, 'config.json', (config) => {
    Object.assign(config.text_config as Json, { intermediate_size: 42, num_hidden_layers: 3 })
  })
  await expectRefused(changed, 'CHECKPOINT_TENSOR', 'layers.2.', 'download both again')
})

test('a header of 2 GB, in a file that is a hole, is not read', async () => {
  const folder = await soundFolder()
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(2n ** 31n)
  await writeFile(join(folder, WEIGHTS), length)
  await truncate(join(folder, WEIGHTS), 2 ** 31 + 4096)
  await expectRefused(folder, 'CHECKPOINT_INVALID', WEIGHTS, '2147483648')
})

test.each([
  '../../etc/passwd',
  '../../etc/passwd.safetensors',
  '/etc/passwd',
  '/etc/model.safetensors',
  'sub/model.safetensors',
  '..\\model.safetensors',
  'config.json',
  '',
])('an index that names %j', async (name) => {
  const folder = await soundFolder()
  await writeFile(join(folder, INDEX), JSON.stringify({ weight_map: { [NORM]: name } }))
  await expectRefused(folder, 'CHECKPOINT_INVALID', INDEX, JSON.stringify(name))
})

test.each([{ [NORM]: 3 }, { [NORM]: null }, { [NORM]: ['model.safetensors'] }, {}, []])(
  'an index with the map %j',
  async (weight_map) => {
    const folder = await soundFolder()
    await writeFile(join(folder, INDEX), JSON.stringify({ weight_map }))
    await expectRefused(folder, 'CHECKPOINT_INVALID', INDEX)
  },
)

const SIZES: readonly [string, readonly string[]][] = [
  [
    'text_config',
    [
      ...['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'num_key_value_heads', 'head_dim'],
      ...['intermediate_size', 'vocab_size', 'max_position_embeddings', 'rms_norm_eps', 'rope_theta'],
    ],
  ],
  [
    'vision_config',
    [
      ...['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'image_size'],
      ...['patch_size', 'layer_norm_eps', 'num_frames'],
    ],
  ],
]

test.each(SIZES)('sizes of %s that make no sense are refused at once, by name', async (part, names) => {
  const folder = await soundFolder()
  for (const name of names) {
    for (const value of [-1, -1e9, 1e20, '7', [], {}, true]) {
      await changeJson(folder, 'config.json', (config) => {
        config[part] = { ...(makeCheckpoint({}, SEED).config[part] as Json), [name]: value }
      })
      await expectRefused(folder, 'CHECKPOINT_INVALID', 'config.json', part, name)
    }
  }
})

test.each([
  ['text_config', 'num_hidden_layers'],
  ['vision_config', 'num_hidden_layers'],
])('a billion layers in %s', async (part, name) => {
  const folder = await soundFolder()
  await changeJson(folder, 'config.json', (config) => {
    Object.assign(config[part] as Json, { [name]: 1e9 })
  })
  await expectRefused(folder, 'CHECKPOINT_INVALID', name, '1000000000')
})

test('a billionth layer among the tensors that sizes are derived from', async () => {
  const folder = await copyOf('video_llava_original')
  await rm(join(folder, 'video_tower'), { recursive: true })
  const path = join(folder, 'model-00001-of-00003.safetensors')
  const bytes = await readFile(path)
  const end = 8 + Number(bytes.readBigUInt64LE())
  const name = /model\.video_tower\.video_tower\.encoder\.layers\.1\./
  const header = bytes.toString('utf8', 8, end)
  const text = Buffer.from(header.replace(name, 'model.video_tower.video_tower.encoder.layers.999999999.'))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  await writeFile(path, Buffer.concat([length, text, bytes.subarray(end)]))
  await expectRefused(folder, 'CHECKPOINT_INVALID', 'num_hidden_layers', '1000000000')
})

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

test.each([
  ['config.json', 'unheard_of'],
  ['config.json', 'model_type'],
  ['config.json', 'vision_feature_layer'],
  ['preprocessor_config.json', 'image_processor_type'],
  ['generation_config.json', 'eos_token_id'],
  ['tokenizer_config.json', 'chat_template'],
  ['tokenizer.json', 'pre_tokenizer'],
])('%s whose %s is nested without end', async (file, field) => {
  const folder = await copyOf('llava_next_plain')
  await changeJson(folder, file, (json) =>
    JSON.stringify({ ...json, [field]: '@' }).replace(`"${field}":"@"`, `"${field}":${DEEP}`),
  )
  await expectRefused(folder, 'CHECKPOINT_INVALID', file, 'nested')
})

test('JSON of 200 MB, and 100 MB of brackets', async () => {
  const folder = await soundFolder()
  await truncate(join(folder, 'config.json'), 200_000_000)
  await expectRefused(folder, 'CHECKPOINT_INVALID', 'config.json', '200000000')
  await writeFile(join(folder, 'config.json'), Buffer.alloc(100_000_000, '['))
  await expectRefused(folder, 'CHECKPOINT_INVALID', 'config.json', 'nested')
})

test('a tokenizer without the token that the video takes the place of', async () => {
  const folder = await soundFolder()
  await changeJson(folder, 'tokenizer.json', (json) => {
    json.added_tokens = (json.added_tokens as Json[]).filter(({ content }) => content !== '<video>')
    const model = json.model as { vocab: Json }
    delete model.vocab['<video>']
  })
  await expectRefused(folder, 'CHECKPOINT_INVALID', 'no token 3', 'video')
})

test('tokenizer.model cut off anywhere', async () => {
  const folder = await copyOf('video_llava_original')
  const path = join(folder, 'tokenizer.model')
  const whole = await readFile(path)
  for (const share of [0, 0.01, 0.1, 0.33, 0.5, 0.75, 0.9, 0.99]) {
    const length = Math.floor(whole.length * share)
    await writeFile(path, whole.subarray(0, length))
    await expectRefused(folder, 'CHECKPOINT_INVALID', 'tokenizer.model')
  }
})

/** The layout of a Hugging Face cache: files by their hash, and a snapshot of links to them. */
async function asCache(folder: string): Promise<string> {
  const root = await mkdtemp(temporaryPath('cache-'))
  const blobs = join(root, 'models--owner--name', 'blobs')
  const snapshot = join(root, 'models--owner--name', 'snapshots', '0123abcd')
  await mkdir(blobs, { recursive: true })
  await mkdir(snapshot, { recursive: true })
  const files = [WEIGHTS, 'config.json', 'tokenizer.json', 'preprocessor_config.json']
  for (const [index, file] of files.entries()) {
    await rename(join(folder, file), join(blobs, `hash${index}`))
    await symlink(`../../blobs/hash${index}`, join(snapshot, file))
  }
  return snapshot
}

test('links into a cache are followed; one that leads nowhere or in a circle is named', async () => {
  const snapshot = await asCache(await soundFolder())
  await (await load(snapshot, { threads: 1 })).close()
  const weights = join(snapshot, WEIGHTS)
  await rm(weights)
  await symlink('../../blobs/gone', weights)
  await expectRefused(snapshot, 'CHECKPOINT_NOT_FOUND', WEIGHTS)
  await rm(weights)
  await symlink(WEIGHTS, weights)
  await expectRefused(snapshot, 'CHECKPOINT_INVALID', WEIGHTS)
  await rm(weights)
  await symlink(dirname(weights), weights)
  await expectRefused(snapshot, 'CHECKPOINT_INVALID', WEIGHTS, 'no ordinary file')
})
