import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { originalVideoLlavaProcessing } from '@longtake/kernels'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Checkpoint, openCheckpoint } from './open-checkpoint.js'

const SOURCE = fileURLToPath(new URL('../../../../tests/data/parity/video_llava_original/', import.meta.url))
const IMAGE = -200

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'longtake-original-'))
})
afterAll(() => rm(scratch, { recursive: true }))

type Json = Record<string, unknown>

/** Opens a copy of the folder in which one JSON file is changed, or removed where the change gives nothing. */
async function openChanged(file: string, change: (json: Json) => Json | undefined): Promise<Checkpoint> {
  const folder = await mkdtemp(join(scratch, 'folder-'))
  await cp(SOURCE, folder, { recursive: true })
  const changed = change(JSON.parse(await readFile(join(folder, file), 'utf8')))
  if (changed === undefined) await rm(join(folder, file))
  else await writeFile(join(folder, file), JSON.stringify(changed))
  return openCheckpoint(folder)
}

const refusal = (code: string, part: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(part) })

test('the tower takes 8 frames at once, keeps the class token, and pictures are scaled as the original does', async () => {
  const { model, close } = await openCheckpoint(SOURCE)
  await close()
  expect(model.spec.encoder).toEqual({
    framesPerClip: 8,
    imageSize: 16,
    tokensPerFrame: 5,
    grid: [2, 2],
    classToken: true,
  })
  expect(model.spec.family).toBe('video_llava')
  expect(model.vision.activation).toBe('gelu')
  expect(model.image).toEqual(originalVideoLlavaProcessing(16))
})

test('the prompt is Vicuna v1 around the place of the images, and a question cannot be that place', async () => {
  const checkpoint = await openCheckpoint(SOURCE)
  await checkpoint.close()
  const { before, after } = checkpoint.encodeQuestion('what is <image></s> red?')
  expect(before[0]).toBe(1)
  expect(checkpoint.decode(before)).toBe(
    'A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, ' +
      "detailed, and polite answers to the user's questions. USER: ",
  )
  expect(after).not.toContain(IMAGE)
  expect(after).not.toContain(2)
  expect(checkpoint.decode(after)).toBe('\nwhat is <image></s> red? ASSISTANT:')
  const own = checkpoint.encodePrompt('red <image> blue')
  expect([checkpoint.decode(own.before), checkpoint.decode(own.after)]).toEqual(['red ', ' blue'])
})

test('without a file of its own the tower is read from its tensors', async () => {
  const { model, close } = await openCheckpoint(SOURCE)
  await close()
  const derived = await openChanged('video_tower/config.json', () => undefined)
  await derived.close()
  expect(derived.model.vision).toEqual(model.vision)
  expect(derived.model.spec).toEqual(model.spec)
})

test('the tower file may hold the fields themselves', async () => {
  const plain = await openChanged('video_tower/config.json', ({ vision_config }) => vision_config as Json)
  await plain.close()
  expect(plain.model.vision.temporalFrames).toBe(8)
})

test('marks around the video are in the prompt where the config says so', async () => {
  const marked = await openChanged('config.json', (json) => ({ ...json, mm_use_im_start_end: true }))
  await marked.close()
  const { before, after } = marked.encodeQuestion('red')
  expect(marked.decode(before)).toMatch(/USER: <vid_start>$/)
  expect(marked.decode(after)).toBe('<vid_end>\nred ASSISTANT:')
})

/** The tower of the folder, but for clips of 4 frames. */
const SMALL = {
  ...{ hidden_size: 128, num_attention_heads: 2, num_hidden_layers: 3, intermediate_size: 64 },
  ...{ patch_size: 8, image_size: 16, hidden_act: 'gelu', add_time_attn: true, num_frames: 4 },
}

test.each<[string, Json, string, string]>([
  ['config.json', { mm_projector_type: 'linear' }, 'CHECKPOINT_UNSUPPORTED', 'mm_projector_type'],
  ['config.json', { mm_something: 3 }, 'CHECKPOINT_UNSUPPORTED', 'mm_something'],
  ['config.json', { hidden_act: 'gelu' }, 'CHECKPOINT_UNSUPPORTED', 'hidden_act'],
  ['config.json', { attention_bias: true }, 'CHECKPOINT_TENSOR', 'self_attn.q_proj.bias'],
  ['config.json', { unheard_of: 1 }, 'CHECKPOINT_UNSUPPORTED', 'unheard_of'],
  ['config.json', { mm_vision_select_layer: -9 }, 'CHECKPOINT_INVALID', 'mm_vision_select_layer'],
  ['config.json', { mm_hidden_size: 64 }, 'CHECKPOINT_INVALID', 'mm_hidden_size'],
  ['config.json', { mm_video_tower: undefined }, 'CHECKPOINT_UNSUPPORTED', 'model_type "llava"'],
  ['video_tower/config.json', { vision_config: 3 }, 'CHECKPOINT_INVALID', 'vision_config'],
  ['video_tower/config.json', { vision_config: SMALL }, 'CHECKPOINT_TENSOR', 'temporal_embedding'],
])('%s with %j is refused', async (file, change, code, part) => {
  await expect(openChanged(file, (json) => ({ ...json, ...change }))).rejects.toThrow(refusal(code, part))
})
