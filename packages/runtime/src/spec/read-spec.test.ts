import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLongtakeError, planVideo } from '@longtake/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMIT, filesOf, sendRange, TestHub } from '../../test/hub-server.js'
import { estimateMemory, load, pull, readSpec } from '../index.js'
import { publishedModels } from './published-models.js'

const TINY = fileURLToPath(new URL('../../../tiny/checkpoint', import.meta.url))
const parity = (name: string) =>
  fileURLToPath(new URL(`../../../../tests/data/parity/${name}`, import.meta.url))
const ID = 'org/model'
const TOKEN = 'hf_secret_token'
const WEIGHTS = 'model.safetensors'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'longtake-spec-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const hubOf = ({ endpoint }: TestHub, more = {}) => ({ hub: { folder: home, endpoint, token: '', ...more } })

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((reason: unknown) => reason)
  if (isLongtakeError(error)) return error.code
  throw new Error('expected a failure of Longtake', { cause: error })
}

describe('a folder', () => {
  test.each(['video_llava', 'video_llava_original', 'ppllava', 'ppllava_btadapter', 'llava_onevision'])(
    '%s is described as it is loaded',
    async (name) => {
      const described = await readSpec(parity(name))
      await using longtake = await load(parity(name), { threads: 1 })
      expect(described.spec).toEqual(longtake.spec)
      expect(described).toMatchObject({ folder: parity(name), download: { bytes: 0, files: 0 } })
    },
  )

  test('a package has its parts', async () => {
    const { parameters, weightBytes } = await readSpec('@longtake/tiny')
    const { total, ...parts } = parameters
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total)
    expect(weightBytes.fp32.total).toBe(4 * total)
    // Tables stay as they are.
    expect(weightBytes.int4.embedding).toBe(4 * parameters.embedding)
  })

  test.each([['@longtake/none'], ['/none'], ['org/none']])('%s is not there', async (id) => {
    expect(await codeOf(readSpec(id, { hub: { folder: home, offline: true } }))).toBe('CHECKPOINT_NOT_FOUND')
  })

  test('options are checked', async () => {
    for (const options of [
      { hub: 1 },
      { hub: { pull: true } },
      { hub: { offline: 1 } },
      { weights: 'int4' },
    ]) {
      expect(await codeOf(readSpec(TINY, options as object))).toBe('INVALID_OPTION')
    }
    expect(await codeOf(readSpec(TINY, { signal: AbortSignal.abort() }))).toBe('CANCELLED')
  })
})

describe('a model that was not pulled', () => {
  let hub: TestHub
  const files = filesOf(TINY)
  beforeEach(async () => {
    hub = await TestHub.open(files)
  })
  afterEach(() => hub[Symbol.asyncDispose]())

  test('is described by its small files, and nothing is kept', async () => {
    const remote = await readSpec(ID, hubOf(hub))
    const { folder, ...local } = await readSpec(TINY)
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
    const download = { bytes, files: files.size }
    expect(remote).toEqual({ ...local, id: ID, commit: COMMIT, download })
    const ranges = hub.requestsFor(WEIGHTS).map(({ headers }) => headers.range)
    expect(ranges).toEqual(['bytes=0-7', expect.stringMatching(/^bytes=8-\d+$/)])
    expect(Number(ranges[1]?.split('-')[1])).toBeLessThan(100_000)
    expect(hub.requestsFor('tokenizer.json')).toEqual([])
    expect(readdirSync(home)).toEqual([])
  })

  test('asks nobody without a hub, and once pulled', async () => {
    expect(await codeOf(readSpec(ID))).toBe('CHECKPOINT_NOT_FOUND')
    expect(await codeOf(readSpec(ID, hubOf(hub, { offline: true })))).toBe('CHECKPOINT_NOT_FOUND')
    expect(hub.requests).toEqual([])
    const pulled = await pull(ID, { folder: home, endpoint: hub.endpoint, token: '' })
    const { length } = hub.requests
    expect(await readSpec(ID, hubOf(hub))).toMatchObject({ folder: pulled.folder, download: { bytes: 0 } })
    expect(hub.requests).toHaveLength(length)
  })

  test('a config that is not what the list says is refused', async () => {
    hub.fault = (request, response, path) => {
      if (!path.endsWith('/config.json')) return false
      sendRange(request, response, Buffer.alloc(files.get('config.json')?.length ?? 0, 32))
      return true
    }
    expect(await codeOf(readSpec(ID, hubOf(hub)))).toBe('HUB_MISMATCH')
  })

  test('a hub that sends whole files where a part is asked for is not read to the end', async () => {
    let closed = 0
    hub.fault = (_request, response, path) => {
      if (!path.endsWith(WEIGHTS)) return false
      response.once('close', () => closed++)
      response.writeHead(200, { 'content-length': 2 ** 34 })
      return response.write(Buffer.alloc(1024)) || true
    }
    expect(await codeOf(readSpec(ID, hubOf(hub)))).toBe('HUB_INVALID')
    await expect.poll(() => closed).toBe(1)
  })

  test.each([
    ['bytes 0-7/9', 'HUB_INVALID'],
    ['bytes 8-15/*', 'HUB_INVALID'],
    ['', 'HUB_INVALID'],
  ])('a part that says it is %j is refused', async (range, code) => {
    hub.fault = (_request, response, path) => {
      if (!path.endsWith(WEIGHTS)) return false
      response.writeHead(206, { 'content-range': range }).end(Buffer.alloc(8))
      return true
    }
    expect(await codeOf(readSpec(ID, hubOf(hub)))).toBe(code)
  })

  test('a header of many gigabytes is refused before it is asked for', async () => {
    hub.fault = (_request, response, path) => {
      if (!path.endsWith(WEIGHTS)) return false
      const head = Buffer.alloc(8)
      head.writeBigUInt64LE(2n ** 34n)
      const total = files.get(WEIGHTS)?.length
      response.writeHead(206, { 'content-range': `bytes 0-7/${total}` }).end(head)
      return true
    }
    expect(await codeOf(readSpec(ID, hubOf(hub)))).toBe('CHECKPOINT_INVALID')
    expect(hub.requestsFor(WEIGHTS)).toHaveLength(1)
  })

  test('the token stays with the hub when weights lie elsewhere', async () => {
    await using elsewhere = await TestHub.open(files)
    hub.fault = (request, response, path) =>
      path.endsWith(WEIGHTS) &&
      Boolean(response.writeHead(302, { location: elsewhere.endpoint + request.url }).end())
    await readSpec(ID, hubOf(hub, { token: TOKEN }))
    expect(hub.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true)
    expect(elsewhere.requests).toHaveLength(2)
    for (const { headers } of elsewhere.requests) expect(headers).not.toHaveProperty('authorization')
  })
})

describe('published models', () => {
  const sizes = async (id: string) => {
    const found = (await publishedModels()).find((model) => model.id === id)
    if (found === undefined) throw new Error(`no ${id}`)
    return found
  }

  // Numbers of the text models as their authors count them; Qwen2's tables are padded by the rows that are added here.
  test.each([
    ['LanguageBind/Video-LLaVA-7B', 6_738_415_616],
    ['LanguageBind/Video-LLaVA-7B-hf', 6_738_415_616 + 64 * 2 * 4096],
    ['llava-hf/llava-v1.6-vicuna-7b-hf', 6_738_415_616 + 64 * 2 * 4096],
    ['llava-hf/llava-onevision-qwen2-0.5b-ov-hf', 494_032_768 + 64 * 896],
    ['llava-hf/llava-onevision-qwen2-7b-ov-hf', 7_615_616_512 + 64 * 2 * 3584],
  ])('%s has the parameters of its text model', async (id, expected) => {
    const { parameters } = await sizes(id)
    expect(parameters.decoder + parameters.embedding).toBe(expected)
  })

  test('int4 takes 5 bits and int8 9 bits a number of every matrix', async () => {
    const { parameters, weightBytes } = await sizes('LanguageBind/Video-LLaVA-7B')
    // All but norms and biases are matrices, with rows that blocks of 32 fill.
    expect((8 * weightBytes.int4.decoder) / parameters.decoder).toBeCloseTo(5, 2)
    expect((8 * weightBytes.int8.decoder) / parameters.decoder).toBeCloseTo(9, 2)
  })

  test('a text guide counts', async () => {
    const { parameters, spec } = await sizes('farewellthree/ppllava_weight')
    expect(spec.pooling.guided).toBe(true)
    // CLIP's text model of 123 million, its positions stretched and kept twice, and the projection of pictures.
    expect(parameters.guide).toBeGreaterThan(123e6)
    expect(parameters.guide).toBeLessThan(126e6)
  })
})

describe('memory', () => {
  const facts = { startSeconds: 0, durationSeconds: 600, width: 640, height: 360, codec: 'avc' }

  test('of a quantised cache counts the fp32 cache that it is made of, as far as the budget allows that', async () => {
    const model = (await publishedModels()).find(({ id }) => id === 'LanguageBind/Video-LLaVA-7B')
    if (model === undefined) throw new Error('no model')
    const plan = planVideo(model.spec, facts, { frames: 64, kvCache: 'int4' })
    const free = estimateMemory(model, plan, { weights: 'int4', memoryBudgetBytes: 2 ** 36 })
    // 2 · 32 layers · 4096 channels · 4 bytes for each of 64 frames of 257 tokens.
    expect(free.peak - free.answering).toBeGreaterThanOrEqual(64 * 257 * 2 * 32 * 4096 * 4)
    expect(free.answering).toBe(free.weights + free.kvCache + free.working)
    const bounded = estimateMemory(model, plan, { weights: 'int4' })
    expect(bounded.answering).toBe(free.answering)
    expect(bounded.peak - bounded.answering).toBe(plan.prefillChunk * 2 * 32 * 4096 * 4)
  })
})
