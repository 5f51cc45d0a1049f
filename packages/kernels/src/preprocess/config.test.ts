import { CheckpointError } from '@longtake/core'
import { describe, expect, test } from 'vitest'
import { parseImageProcessing } from './config.js'

const published = {
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_processor_type: 'VideoLlavaImageProcessor',
  image_std: [0.26862954, 0.26130258, 0.27577711],
  processor_class: 'VideoLlavaProcessor',
  resample: 3,
  rescale_factor: 0.00392156862745098,
  size: { shortest_edge: 224 },
}

const clip = {
  resize: { shortestEdge: 224 },
  filter: 'bicubic',
  arithmetic: 'pil',
  crop: { width: 224, height: 224 },
  rescaleFactor: 1 / 255,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
}

describe('reads', () => {
  test('what Video-LLaVA publishes', () => {
    expect(parseImageProcessing(published)).toEqual(clip)
  })

  test('an empty config as the library does: all defaults', () => {
    expect(parseImageProcessing({})).toEqual(clip)
    expect(parseImageProcessing({ image_processor_type: 'SiglipImageProcessor' })).toMatchObject({
      resize: { width: 224, height: 224 },
      crop: null,
      mean: [0.5, 0.5, 0.5],
    })
  })

  test('numbers for sizes, as old configs have them', () => {
    const old = { feature_extractor_type: 'CLIPFeatureExtractor', size: 336, crop_size: 300 }
    expect(parseImageProcessing(old)).toMatchObject({
      resize: { shortestEdge: 336 },
      crop: { width: 300, height: 300 },
    })
    expect(parseImageProcessing({ ...old, default_to_square: true }).resize).toEqual({
      width: 336,
      height: 336,
    })
  })

  test('the arithmetic of the processor class', () => {
    expect(parseImageProcessing({ image_processor_type: 'CLIPImageProcessorFast' }).arithmetic).toBe(
      'torchvision',
    )
    expect(parseImageProcessing({ video_processor_type: 'VideoLlavaVideoProcessor' }).arithmetic).toBe(
      'torchvision',
    )
  })

  test('steps that are switched off', () => {
    const bare = { ...published, do_normalize: false, do_rescale: false, do_resize: false }
    expect(parseImageProcessing(bare)).toMatchObject({
      resize: null,
      rescaleFactor: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    })
  })

  test('fields that change nothing', () => {
    const extra = { num_frames: 8, do_pad: false, size_divisor: null, do_sample_frames: true, device: 'cpu' }
    expect(parseImageProcessing({ ...published, ...extra })).toEqual(clip)
    const crops = { do_pad: true, image_grid_pinpoints: [[336, 672]], aspect_ratio_setting: 'anyres' }
    const next = { ...published, image_processor_type: 'LlavaNextImageProcessor', ...crops }
    expect(parseImageProcessing(next)).toEqual(clip)
    const oneVision = { image_processor_type: 'LlavaOnevisionImageProcessor', ...crops }
    expect(parseImageProcessing(oneVision)).toMatchObject({ resize: { width: 384, height: 384 }, crop: null })
  })
})

describe('refuses, and names', () => {
  test.each<[string, object, string]>([
    ['do_pad', { do_pad: true }, 'CHECKPOINT_UNSUPPORTED'],
    ['image_grid_pinpoints', { image_grid_pinpoints: [[336, 672]] }, 'CHECKPOINT_UNSUPPORTED'],
    ['do_flip_channel_order', { do_flip_channel_order: true }, 'CHECKPOINT_UNSUPPORTED'],
    ['__proto__', JSON.parse('{"__proto__": 1}'), 'CHECKPOINT_UNSUPPORTED'],
    ['image_processor_type', { image_processor_type: 'ViltImageProcessor' }, 'CHECKPOINT_UNSUPPORTED'],
    ['image_processor_type', { image_processor_type: 3 }, 'CHECKPOINT_UNSUPPORTED'],
    ['resample', { resample: 0 }, 'CHECKPOINT_UNSUPPORTED'],
    ['resample', { resample: 'bicubic' }, 'CHECKPOINT_UNSUPPORTED'],
    ['resample', { resample: 1, image_processor_type: 'CLIPImageProcessorFast' }, 'CHECKPOINT_UNSUPPORTED'],
    ['do_center_crop', { do_center_crop: false }, 'CHECKPOINT_UNSUPPORTED'],
    ['size.longest_edge', { size: { longest_edge: 9, height: 9, width: 9 } }, 'CHECKPOINT_UNSUPPORTED'],
    ['size.shortest_edge', { size: { shortest_edge: 30, longest_edge: 40 } }, 'CHECKPOINT_UNSUPPORTED'],
    ['size.shortest_edge', { size: { shortest_edge: 0 } }, 'CHECKPOINT_INVALID'],
    ['size', { size: 1e9 }, 'CHECKPOINT_INVALID'],
    ['size', { size: 'large' }, 'CHECKPOINT_INVALID'],
    ['size.width', { size: { height: 9 } }, 'CHECKPOINT_INVALID'],
    ['crop_size.height', { crop_size: { height: -1, width: 4 } }, 'CHECKPOINT_INVALID'],
    ['crop_size.height', { crop_size: { height: 1.5, width: 4 } }, 'CHECKPOINT_INVALID'],
    ['do_resize', { do_resize: 1 }, 'CHECKPOINT_INVALID'],
    ['rescale_factor', { rescale_factor: 0 }, 'CHECKPOINT_INVALID'],
    ['rescale_factor', { rescale_factor: '1/255' }, 'CHECKPOINT_INVALID'],
    ['image_mean', { image_mean: [0, 0] }, 'CHECKPOINT_INVALID'],
    ['image_mean', { image_mean: [0, 0, null] }, 'CHECKPOINT_INVALID'],
    ['image_std', { image_std: [1, 1, 0] }, 'CHECKPOINT_INVALID'],
  ])('%s in %j', (field, change, code) => {
    const config = Object.fromEntries([...Object.entries(published), ...Object.entries(change)])
    // A config read from a file can have this name as its own; an object literal cannot.
    if (field === '__proto__') Object.defineProperty(config, field, { value: 1, enumerable: true })
    try {
      parseImageProcessing(config)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError)
      expect((error as CheckpointError).message).toContain(field)
      expect((error as CheckpointError).code).toBe(code)
    }
  })

  test.each([[null], [undefined], [[]], ['text'], [3]])('%j for an object', (config) => {
    expect(() => parseImageProcessing(config)).toThrow(CheckpointError)
  })
})
