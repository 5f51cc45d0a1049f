import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLongtakeError } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toTorch } from '../../../kernels/test/torch-file.js'
import { filesOf, TestHub } from '../../test/hub-server.js'
import { makeCheckpoint, writeCheckpoint } from '../../test/random-checkpoint.js'
import { load, pull, pulledModels, readSpec } from '../index.js'

const parity = (name: string) =>
  filesOf(fileURLToPath(new URL(`../../../../tests/data/parity/${name}`, import.meta.url)))
const ID = 'org/model'
const TOKEN = 'hf_secret_token'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'longtake-choice-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const optionsFor = (hub: TestHub) => ({ folder: home, endpoint: hub.endpoint, token: '' })
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/** Files with another config. */
function withConfig(files: Map<string, Buffer>, change: object): Map<string, Buffer> {
  const config = JSON.parse(String(files.get('config.json')))
  return new Map([...files, ['config.json', json({ ...config, ...change })]])
}

async function pulledPaths(hub: TestHub): Promise<string[]> {
  const { folder } = await pull(ID, optionsFor(hub))
  return [...filesOf(folder).keys()].sort()
}

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.catch((reason: unknown) => reason)
  if (!isLongtakeError(error)) throw new Error('expected a failure of Longtake', { cause: error })
  expect(await pulledModels({ folder: home })).toEqual([])
  return { code: error.code, message: error.message }
}

describe('weights', () => {
  const bytes = Buffer.from('weights')
  const texts = new Map([['config.json', json({})]])
  const listed = (...names: string[]) => new Map([...texts, ...names.map((name) => [name, bytes] as const)])
  const index = (...names: string[]) =>
    json({ weight_map: Object.fromEntries(names.map((name, at) => [`tensor.${at}`, name])) })

  test.each([
    [['pytorch_model.bin', 'training_args.bin'], ['pytorch_model.bin']],
    [['weights.pth'], ['weights.pth']],
    [['pytorch_model.bin', 'model.safetensors'], ['model.safetensors']],
    [['model.safetensors', 'consolidated.safetensors'], ['model.safetensors']],
  ])('of %j are %j', async (names, chosen) => {
    await using hub = await TestHub.open(listed(...names))
    expect(await pulledPaths(hub)).toEqual(['config.json', ...chosen].sort())
  })

  test('are those that the index names', async () => {
    const names = ['a.bin', 'b.bin']
    const file = 'pytorch_model.bin.index.json'
    await using hub = await TestHub.open(
      new Map([...listed(...names, 'optimizer.bin'), [file, index(...names)]]),
    )
    expect(await pulledPaths(hub)).toEqual(['config.json', file, ...names].sort())
  })

  test.each([
    ['model.safetensors.index.json', ['a.safetensors', 'b.safetensors'], 'b.safetensors'],
    ['pytorch_model.bin.index.json', ['a.bin', 'b.bin'], 'b.bin'],
    ['model.safetensors.index.json', ['../../etc/passwd'], 'passwd'],
  ])('that %s names and the model lacks are refused before the download', async (file, names, missing) => {
    const there = names.slice(0, 1).filter((name) => !name.includes('/'))
    await using hub = await TestHub.open(new Map([...listed(...there), [file, index(...names)]]))
    const failure = await failureOf(pull(ID, optionsFor(hub)))
    expect(failure).toMatchObject({ code: 'CHECKPOINT_INVALID', message: expect.stringContaining(missing) })
    for (const name of there) expect(hub.requestsFor(name)).toEqual([])
  })

  test('of which several could be meant are refused', async () => {
    await using hub = await TestHub.open(listed('a.bin', 'b.bin'))
    expect(await failureOf(pull(ID, optionsFor(hub)))).toMatchObject({ code: 'CHECKPOINT_INVALID' })
  })
})

test('weights as torch writes them are described before, pulled and loaded', async () => {
  const made = makeCheckpoint()
  const { folder, remove } = await writeCheckpoint(made)
  const files = filesOf(folder)
  await remove()
  files.delete('model.safetensors')
  files.set('pytorch_model.bin', Buffer.from(toTorch(made.tensors)))
  await using hub = await TestHub.open(files)
  const remote = await readSpec(ID, { hub: optionsFor(hub) })
  const whole = files.get('pytorch_model.bin')?.length ?? 0
  expect(hub.requestsFor('pytorch_model.bin').map(({ headers }) => headers.range)).not.toContain(undefined)
  expect(remote.download.bytes).toBeGreaterThan(whole)
  expect(await pulledPaths(hub)).toContain('pytorch_model.bin')
  await using longtake = await load(ID, { hub: { folder: home }, threads: 1 })
  expect(longtake.spec).toEqual(remote.spec)
})

describe('the original Video-LLaVA', () => {
  const TOWER = 'LanguageBind/LanguageBind_Video_merge'
  const original = parity('video_llava_original')

  const openHub = async (config: object): Promise<TestHub> => {
    const own = withConfig(original, { mm_video_tower: TOWER, ...config })
    own.delete('video_tower/config.json')
    return TestHub.open(own)
  }

  test("gets its tower's config beside it, and nothing else of that model", async () => {
    await using hub = await openHub({})
    const tower = original.get('video_tower/config.json') ?? Buffer.alloc(0)
    hub.others.set(
      TOWER,
      new Map([
        ['config.json', tower],
        ['pytorch_model.bin', Buffer.alloc(9)],
      ]),
    )
    const { folder } = await pull(ID, { ...optionsFor(hub), token: TOKEN })
    expect(filesOf(folder).get('video_tower/config.json')).toEqual(tower)
    expect(hub.requestsFor('pytorch_model.bin')).toEqual([])
    expect(new Set(hub.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${TOKEN}`]),
    )
    // Complete: what is pulled again comes from here.
    expect(await pull(ID, { ...optionsFor(hub), offline: true })).toMatchObject({ folder })
  })

  test.each([404, 403])('does without it where the hub answers %i', async (status) => {
    await using hub = await openHub({})
    hub.fault = (_request, response, path) =>
      path.includes(TOWER) && Boolean(response.writeHead(status).end())
    expect(await pulledPaths(hub)).not.toContain('video_tower/config.json')
    await (await load(ID, { hub: { folder: home }, threads: 1 })).close()
  })

  test.each(['./cache_dir/tower', '/mnt/tower', '../../org/x', 'a/../b', 7])(
    'asks for nothing where the tower is %j',
    async (tower) => {
      await using hub = await openHub({ mm_video_tower: tower })
      await pulledPaths(hub)
      expect(hub.requests.filter(({ path }) => path.startsWith('/api/'))).toHaveLength(1)
    },
  )
})

describe('a text guide', () => {
  const CLIP = 'openai/clip-vit-large-patch14-336'
  const guided = parity('ppllava')
  const clip = new Map(
    [...guided].filter(([path]) => path.startsWith('clip/')).map(([path, bytes]) => [path.slice(5), bytes]),
  )
  const bare = withConfig(new Map([...guided].filter(([path]) => !path.startsWith('clip/'))), {
    clip_weight: CLIP,
  })

  test('gets config and tokenizer of the model that its weights came from', async () => {
    await using hub = await TestHub.open(bare)
    hub.others.set(
      CLIP,
      new Map([...clip, ['model.safetensors', Buffer.alloc(9)], ['README.md', Buffer.alloc(9)]]),
    )
    const remote = await readSpec(ID, { hub: optionsFor(hub) })
    const paths = await pulledPaths(hub)
    expect(paths.filter((path) => path.startsWith('clip/'))).toEqual(
      [
        'clip/config.json',
        'clip/tokenizer.json',
        ...(clip.has('tokenizer_config.json') ? ['clip/tokenizer_config.json'] : []),
      ].sort(),
    )
    await using longtake = await load(ID, { hub: { folder: home }, threads: 1 })
    expect(longtake.spec.pooling.guided).toBe(true)
    expect(remote.spec).toEqual(longtake.spec)
    expect(remote.download.files).toBe(paths.length)
  })

  test('without that model is refused before the download', async () => {
    await using hub = await TestHub.open(bare)
    hub.fault = (_request, response, path) => path.includes(CLIP) && Boolean(response.writeHead(404).end())
    expect(await failureOf(pull(ID, optionsFor(hub)))).toMatchObject({
      code: 'HUB_NOT_FOUND',
      message: expect.stringContaining(CLIP),
    })
    expect(hub.requestsFor('model.safetensors')).toEqual([])
  })
})
