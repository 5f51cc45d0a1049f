import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { load } from '../packages/runtime/src/index.js'
import {
  type Json,
  type MadeCheckpoint,
  makeCheckpoint,
  writeCheckpoint,
} from '../packages/runtime/test/random-checkpoint.js'
import { madePictures } from './support/films.js'
import { held } from './support/held.js'
import { withoutPermission } from './support/permission.js'
import { openRandomModel, SEED } from './support/random-model.js'
import { expectRefusal } from './support/refusal.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'

useTemporaryFolder()

const WEIGHTS = 'model.safetensors'

type Change = (made: MadeCheckpoint) => void
type Damage = (folder: string) => Promise<unknown>

async function folderOf(change: Change = () => {}, damage: Damage = async () => {}): Promise<string> {
  const made = makeCheckpoint({}, SEED)
  change(made)
  const { folder } = await writeCheckpoint(made)
  await damage(folder)
  return folder
}

/** Loading is refused; no file stays open, and none comes. */
async function expectRefused(folder: string, code: string, ...parts: string[]): Promise<void> {
  const before = await held()
  const failure = await expectRefusal(load(folder, { threads: 1 }), code)
  for (const part of parts) expect(failure.message).toContain(part)
  expect(await held()).toEqual(before)
}

const tensor = (made: MadeCheckpoint, name: string) => {
  const found = made.tensors.get(name)
  if (found === undefined) throw new Error(`There is no tensor ${name}.`)
  return found
}

describe('tensors', () => {
  test.each<[string, Change, string[]]>([
    [
      'one is missing',
      ({ tensors }) => tensors.delete('language_model.model.layers.1.mlp.up_proj.weight'),
      ['missing', 'layers.1.mlp.up_proj.weight'],
    ],
    [
      'most are missing',
      ({ tensors }) => {
        for (const name of [...tensors.keys()].slice(3)) tensors.delete(name)
      },
      ['missing', 'more'],
    ],
    [
      'one too many',
      ({ tensors }) => tensors.set('language_model.extra', { shape: [1], values: new Float32Array(1) }),
      ['not expected', 'language_model.extra'],
    ],
    [
      'one of another size',
      ({ tensors }) =>
        tensors.set('language_model.model.norm.weight', { shape: [31], values: new Float32Array(31) }),
      ['language_model.model.norm.weight', '[32]', '[31]'],
    ],
    [
      'one turned',
      (made) => {
        tensor(made, 'language_model.model.layers.0.mlp.up_proj.weight').shape = [32, 48]
      },
      ['layers.0.mlp.up_proj.weight', '[48, 32]', '[32, 48]'],
    ],
    [
      'one flattened',
      (made) => {
        tensor(made, 'multi_modal_projector.linear_1.weight').shape = [32 * 16]
      },
      ['linear_1.weight', '[512]'],
    ],
    [
      'one without numbers',
      ({ tensors }) =>
        tensors.set('multi_modal_projector.linear_1.bias', { shape: [0], values: new Float32Array(0) }),
      ['linear_1.bias', '[0]'],
    ],
  ])('%s', async (_, change, parts) => {
    await expectRefused(await folderOf(change), 'CHECKPOINT_TENSOR', ...parts)
  })

  test('one of whole numbers', async () => {
    const folder = await folderOf(undefined, async (path) => {
      const bytes = await readFile(join(path, WEIGHTS))
      bytes.write('I32', bytes.indexOf('F32'))
      await writeFile(join(path, WEIGHTS), bytes)
    })
    await expectRefused(folder, 'CHECKPOINT_TENSOR', 'I32')
  })

  test.each([
    ['language_model.model.norm.weight', Number.NaN],
    ['video_tower.vision_model.embeddings.class_embedding', Number.NaN],
    ['multi_modal_projector.linear_2.bias', Number.POSITIVE_INFINITY],
    ['language_model.lm_head.weight', 1e38],
  ])('%s of %s gives a typed error and no answer', async (name, value) => {
    const { longtake, backend } = await openRandomModel({
      change: (made) => void tensor(made, name).values.fill(value),
    })
    for (const kvCache of ['fp32', 'int8', 'int4'] as const) {
      const video = await longtake.watchFrames(madePictures(4), { kvCache })
      await expectRefusal(video.ask('what ?'), 'ENGINE_FAILED')
      await video.close()
    }
    await longtake.close()
    expect(await held(backend)).toMatchObject({ native: {}, openFiles: [] })
  })
})

describe('files', () => {
  const cut =
    (bytes: number): Damage =>
    async (folder) => {
      const path = join(folder, WEIGHTS)
      const whole = await readFile(path)
      await writeFile(path, whole.subarray(0, bytes < 0 ? whole.length + bytes : bytes))
    }
  const asFolder =
    (name: string): Damage =>
    async (folder) => {
      await rm(join(folder, name))
      await mkdir(join(folder, name))
    }

  test.each<[string, Damage, string, string]>([
    ['weights cut off', cut(-100), 'CHECKPOINT_INVALID', WEIGHTS],
    ['weights cut off in their header', cut(1000), 'CHECKPOINT_INVALID', WEIGHTS],
    ['weights of 3 bytes', cut(3), 'CHECKPOINT_INVALID', WEIGHTS],
    ['empty weights', cut(0), 'CHECKPOINT_INVALID', WEIGHTS],
    ['a folder for weights', asFolder(WEIGHTS), 'CHECKPOINT_INVALID', WEIGHTS],
    ['no weights', (folder) => rm(join(folder, WEIGHTS)), 'CHECKPOINT_NOT_FOUND', 'safetensors'],
    ['no config', (folder) => rm(join(folder, 'config.json')), 'CHECKPOINT_NOT_FOUND', 'config.json'],
    ['an empty config', (folder) => writeFile(join(folder, 'config.json'), ''), 'CHECKPOINT_INVALID', 'JSON'],
    ['a folder for a config', asFolder('config.json'), 'CHECKPOINT_INVALID', 'config.json'],
    [
      'no tokenizer',
      (folder) => rm(join(folder, 'tokenizer.json')),
      'CHECKPOINT_UNSUPPORTED',
      'tokenizer.json',
    ],
  ])('%s', async (_, damage, code, part) => {
    await expectRefused(await folderOf(undefined, damage), code, part)
  })

  test('a header that claims more than there is', async () => {
    for (const claim of [2n ** 63n, 2n ** 40n, 100_000_000n, 0n]) {
      const folder = await folderOf(undefined, async (path) => {
        const bytes = await readFile(join(path, WEIGHTS))
        bytes.writeBigUInt64LE(claim)
        await writeFile(join(path, WEIGHTS), bytes)
      })
      await expectRefused(folder, 'CHECKPOINT_INVALID', WEIGHTS)
    }
  })

  test('one shard missing: those that were opened are closed', async () => {
    const shards = ['b', 'c', 'd', 'e'].map((name) => `${name}.safetensors`)
    const folder = await folderOf(
      ({ files }) => {
        const all = ['a.safetensors', ...shards, 'z.safetensors']
        files['model.safetensors.index.json'] = {
          weight_map: Object.fromEntries(all.map((name) => [name, name])),
        }
      },
      async (path) => {
        for (const shard of shards) await copyFile(join(path, WEIGHTS), join(path, shard))
      },
    )
    await expectRefused(folder, 'CHECKPOINT_NOT_FOUND', 'a.safetensors')
    await copyFile(join(folder, WEIGHTS), join(folder, 'a.safetensors'))
    await expectRefused(folder, 'CHECKPOINT_NOT_FOUND', 'z.safetensors')
  })

  test.each([WEIGHTS, 'config.json', 'tokenizer.json', '.'])('%s without permission', async (name) => {
    const folder = await folderOf()
    if (process.getuid === undefined) {
      // Windows has no such modes: there the file can be read, and is.
      await (await load(folder, { threads: 1 })).close()
      return
    }
    await chmod(folder, 0o755)
    const before = await held()
    // A folder that may be passed through and not be listed is the harder case.
    const mode = name === '.' ? 0o711 : 0
    const work = (): Promise<Error> => expectRefusal(load(folder), 'CHECKPOINT_INVALID')
    const failure = await withoutPermission(join(folder, name), work, mode)
    expect(failure.message).toContain(name === '.' ? folder : name)
    expect(await held()).toEqual(before)
    await (await load(folder, { threads: 1 })).close()
  })
})

describe('configs', () => {
  const text =
    (fields: Json): Change =>
    ({ config }) =>
      void Object.assign(config.text_config, fields)

  test.each<[string, Change, RegExp, string]>([
    ['heads of 12 numbers', text({ head_dim: 12 }), /UNSUPPORTED/, 'head_dim'],
    ['a RoPE base of 0.5', text({ rope_theta: 0.5 }), /INVALID/, 'rope_theta'],
    ['a context of 2²⁶', text({ max_position_embeddings: 2 ** 26 }), /INVALID/, 'max_position_embeddings'],
    ['a thousand layers', text({ num_hidden_layers: 1000 }), /TENSOR/, 'layers.2'],
    ['a million layers', text({ num_hidden_layers: 1e6 }), /INVALID/, 'num_hidden_layers'],
    ['no heads', text({ num_attention_heads: 0 }), /INVALID/, 'num_attention_heads'],
    [
      'a trained length beyond all contexts',
      ({ files }) => {
        files['longtake.json'] = { trained_length: 2 ** 26 }
      },
      /INVALID/,
      'trained_length',
    ],
    [
      'a chat template that puts the question before the video',
      ({ files }) => {
        files['chat_template.jinja'] =
          '{% for m in messages %}{{ m.content[1].text }} <video>{% endfor %} ASSISTANT:'
      },
      /UNSUPPORTED/,
      'before the video',
    ],
  ])('%s', async (_, change, code, part) => {
    const before = await held()
    const folder = await folderOf(change)
    const failure = await expectRefusal(load(folder, { threads: 1 }), code)
    expect(failure.message).toContain(part)
    expect((await held()).openFiles).toEqual(before.openFiles)
  })

  test('a tokenizer with more words than the model has rows: other questions are answered', async () => {
    const { longtake, backend } = await openRandomModel({
      change: ({ files }) => {
        const { model } = files['tokenizer.json'] as { model: { vocab: Json } }
        model.vocab.zebra = 500
      },
    })
    await using video = await longtake.watchFrames(madePictures(4))
    for (let count = 0; count < 2; count++) await video.ask('what ?', { maxTokens: 2 })
    const before = await held(backend)
    expect((await expectRefusal(video.ask('a zebra ?'), 'CHECKPOINT_INVALID')).message).toContain('500')
    expect((await video.ask('what ?', { maxTokens: 2 })).usage.completionTokens).toBe(2)
    expect(await held(backend)).toEqual(before)
    await longtake.close()
  })

  test('a model with more rows than the tokenizer has words: tokens without text are silent', async () => {
    const rows = 64
    const { longtake } = await openRandomModel({
      change: (made) => {
        made.config.text_config.vocab_size = rows
        for (const name of ['language_model.model.embed_tokens.weight', 'language_model.lm_head.weight']) {
          const { values } = tensor(made, name)
          const longer = Float32Array.from(
            { length: rows * 32 },
            (_, place) => values[place] ?? Math.sin(3 * place),
          )
          made.tensors.set(name, { shape: [rows, 32], values: longer })
        }
      },
    })
    await using video = await longtake.watchFrames(madePictures(4))
    const { text, usage } = await video.ask('what ?', { maxTokens: 12 })
    expect(usage.completionTokens).toBe(12)
    expect(text.split(' ').length).toBeLessThan(12)
    expect(text).not.toContain('undefined')
    await longtake.close()
  })
})

test.each([
  [() => temporaryPath('nowhere'), 'CHECKPOINT_NOT_FOUND'],
  [() => 'file://elsewhere/model', 'INVALID_OPTION'],
  [() => new URL('file:///a%2Fb'), 'INVALID_OPTION'],
  [() => 'https://example.org/model', 'CHECKPOINT_UNSUPPORTED'],
  [() => 'nobody/has-this', 'CHECKPOINT_NOT_FOUND'],
  [() => '@longtake/no-such-package', 'CHECKPOINT_NOT_FOUND'],
  [() => 'a\0b', 'CHECKPOINT_NOT_FOUND'],
  [() => '', 'INVALID_OPTION'],
  [() => 7 as unknown as string, 'INVALID_OPTION'],
])('an id that stands for no checkpoint: %#', async (id, code) => {
  await expectRefusal(load(id()), code)
})
