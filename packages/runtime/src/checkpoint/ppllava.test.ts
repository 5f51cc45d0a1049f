import { afterEach, describe, expect, test } from 'vitest'
import {
  type Json,
  type MadeCheckpoint,
  makeCheckpoint,
  writeCheckpoint,
} from '../../test/random-checkpoint.js'
import { type Checkpoint, openCheckpoint } from './open-checkpoint.js'

const TOWER = 'vision_tower.vision_model.'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A made-up checkpoint in LLaVA-NeXT's layout: a tower without time, pictures of 4 × 4 patches, a guide. */
function makePpllava(guide = true): MadeCheckpoint {
  const made = makeCheckpoint({ guide, imageSize: 32 })
  const { config, files, tensors } = made
  Object.assign(config, {
    ...{
      model_type: 'llava_next',
      image_token_index: config.video_token_index,
      image_grid_pinpoints: [[32, 64]],
    },
    ...(guide && { pooling: 'ppllava', frame_shape: [4, 4], pooling_kernel: [2, 2, 2] }),
  })
  delete config.video_token_index
  for (const name of ['add_time_attn', 'num_frames']) delete config.vision_config[name]
  for (const [name, tensor] of [...tensors]) {
    if (!name.startsWith('video_tower.')) continue
    tensors.delete(name)
    if (!name.includes('temporal')) tensors.set(name.replace('video_tower.', 'vision_tower.'), tensor)
  }
  tensors.set('image_newline', { shape: [32], values: new Float32Array(32) })
  Object.assign(files['preprocessor_config.json'] as Json, {
    ...{ image_processor_type: 'LlavaNextImageProcessor', image_grid_pinpoints: [[32, 64]], do_pad: true },
  })
  return made
}

/** Adds the temporal branch beside both layers of the tower, with a time table of six rows. */
function addBranch({ config, tensors }: MadeCheckpoint): void {
  Object.assign(config, { btadapter: true, btadapter_depth: 2, max_T: 6 })
  const [width, inner] = [16, 32]
  const add = (name: string, ...shape: number[]): void => {
    const count = shape.reduce((product, size) => product * size, 1)
    tensors.set(`${TOWER}btadapter_${name}`, { shape, values: new Float32Array(count) })
  }
  const linear = (name: string, outputs: number, inputs: number): void => {
    add(`${name}.weight`, outputs, inputs)
    add(`${name}.bias`, outputs)
  }
  add('time_embed.weight', 6, width)
  add('cls_token', 1, 1, width)
  for (const layer of [0, 1]) {
    for (const [kind, norms] of [['S', 2] as const, ['T', 1] as const]) {
      const prefix = `${kind}_layers.${layer}.`
      for (let norm = 1; norm <= norms; norm++) {
        for (const part of ['weight', 'bias']) add(`${prefix}layer_norm${norm}.${part}`, width)
      }
      for (const part of ['q', 'k', 'v', 'out']) linear(`${prefix}self_attn.${part}_proj`, width, width)
    }
    linear(`T_layers.${layer}.temporal_fc`, width, width)
    linear(`S_layers.${layer}.mlp.fc1`, inner, width)
    linear(`S_layers.${layer}.mlp.fc2`, width, inner)
  }
}

async function open(change: (made: MadeCheckpoint) => void = () => {}, guide = true): Promise<Checkpoint> {
  const made = makePpllava(guide)
  change(made)
  const { folder, remove } = await writeCheckpoint(made)
  cleanups.push(remove)
  const checkpoint = await openCheckpoint(folder)
  cleanups.push(() => checkpoint.close())
  return checkpoint
}

describe('PPLLaVA', () => {
  test('sees frames one by one without a class token, and pools by its own windows', async () => {
    const { spec, vision, guide } = (await open()).model
    expect(spec.family).toBe('ppllava')
    expect(spec.encoder).toEqual({
      ...{ framesPerClip: 1, imageSize: 32, tokensPerFrame: 16, grid: [4, 4], classToken: false },
      stills: { resolutions: [] },
    })
    expect(spec.pooling).toEqual({
      ...{ guided: true, temperature: 0.01, kernel: [2, 2, 2], stride: [2, 2, 2] },
      ...{ imageKernel: [1, 2, 2], imageStride: [1, 2, 2] },
    })
    expect(spec.defaults).toMatchObject({ pooling: 'guided', frames: 32, tokenBudget: 1024, mostFrames: 64 })
    expect(vision).toMatchObject({ featureLayer: -2, keepClassToken: false, temporalFrames: 0 })
    expect(guide?.alignment.classToken).toBe(false)
  })

  test('makes the whole picture a square, as the published code does', async () => {
    expect((await open()).model.image).toMatchObject({
      resize: { width: 32, height: 32 },
      crop: { width: 32, height: 32 },
    })
  })

  test('has the published window where its config is silent', async () => {
    const { spec } = (await open(({ config }) => delete config.pooling_kernel)).model
    expect(spec.pooling).toMatchObject({ kernel: [2, 3, 3], stride: [2, 3, 3], imageKernel: [1, 3, 3] })
  })

  test('puts the question into the family’s prompt', async () => {
    const { before, after } = (await open()).encodeQuestion('what')
    expect([before, after]).toEqual([
      [1, 13, 15],
      [4, 14, 15],
    ])
  })

  test('puts the video where a chat template has an image', async () => {
    const template = `{% for m in messages %}{{ m.role.upper() + ': ' }}{% for c in m.content | selectattr('type', 'equalto', 'image') %}{{ '<video>\n' }}{% endfor %}{% for c in m.content | selectattr('type', 'equalto', 'text') %}{{ c.text + ' ' }}{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}`
    const checkpoint = await open(({ files }) => {
      files['chat_template.json'] = { chat_template: template }
    })
    const { before, after } = checkpoint.encodeQuestion('red')
    expect([before, after]).toEqual([
      [1, 13, 15],
      [8, 14, 15],
    ])
  })

  test('may have a temporal branch, whose sizes the tower’s config may repeat', async () => {
    const checkpoint = await open((made) => {
      addBranch(made)
      Object.assign(made.config.vision_config, { depth: 2, max_T: 6 })
    })
    expect(checkpoint.model.vision.btAdapter).toEqual({ depth: 2, frames: 6 })
    expect(checkpoint.model.spec.encoder.mostFramesPerClip).toBe(6)
  })

  test('may leave out the branch’s layer that nothing reads', async () => {
    const checkpoint = await open((made) => {
      addBranch(made)
      for (const name of [...made.tensors.keys()]) {
        if (/btadapter_[ST]_layers\.1\./.test(name)) made.tensors.delete(name)
      }
    })
    expect(checkpoint.model.vision.btAdapter?.depth).toBe(2)
  })
})

test('LLaVA-NeXT without a guide is watched frame by frame, without pooling', async () => {
  const checkpoint = await open(undefined, false)
  expect(checkpoint.guide).toBeUndefined()
  expect(checkpoint.model.spec.pooling.guided).toBe(false)
  expect(checkpoint.model.spec.defaults).toMatchObject({ pooling: 'none', frames: 8, tokenBudget: undefined })
})

describe('what is refused by name', () => {
  test.each<[string, (made: MadeCheckpoint) => void, string[]]>([
    [
      'a grid that is not the tower’s',
      ({ config }) => Object.assign(config, { frame_shape: [4, 5] }),
      ['frame_shape', '[4, 4]', '[4,5]'],
    ],
    [
      'another decoder',
      ({ config }) => Object.assign(config.text_config, { model_type: 'gemma' }),
      ['text_config: model_type', 'gemma'],
    ],
    ['another guide', ({ config }) => Object.assign(config, { qwen: true }), ['qwen']],
    [
      'another way of pooling',
      ({ config }) => Object.assign(config, { pooling: 'avp' }),
      ['pooling', 'avp', 'ppllava'],
    ],
    [
      'a tower with attention over time',
      ({ config }) => Object.assign(config.vision_config, { num_frames: 8 }),
      ['num_frames', '8'],
    ],
    [
      'a branch beside more layers than there are',
      (made) => {
        addBranch(made)
        made.config.btadapter_depth = 3
      },
      ['btadapter_depth', '2 layers', '3'],
    ],
    [
      'a time table of no rows',
      (made) => {
        addBranch(made)
        made.config.max_T = 0
      },
      ['max_T', '0'],
    ],
    [
      'a time table of another length',
      (made) => {
        addBranch(made)
        made.config.max_T = 64
      },
      ['btadapter_time_embed.weight', '[64, 16]', '[6, 16]'],
    ],
    [
      'a branch that is not there',
      ({ config }) => Object.assign(config, { btadapter: true, btadapter_depth: 2 }),
      ['missing', 'btadapter_'],
    ],
    [
      'a branch that the config does not have',
      (made) => {
        addBranch(made)
        made.config.btadapter = false
      },
      ['not expected', 'btadapter_'],
    ],
    [
      'guided pooling without the guide’s tensors',
      ({ tensors }) => {
        for (const name of [...tensors.keys()]) if (/clip_|logit/.test(name)) tensors.delete(name)
      },
      ['pooling "ppllava"', 'clip_visual_projection.weight'],
    ],
  ])('%s', async (_, change, parts) => {
    const message = new RegExp(
      parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[\\s\\S]*'),
    )
    await expect(open(change)).rejects.toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^CHECKPOINT_(INVALID|UNSUPPORTED|TENSOR)$/),
        message: expect.stringMatching(message),
      }),
    )
  })
})
