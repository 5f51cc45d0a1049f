import { CheckpointError } from '@longtake/core'
import type { ImageProcessing, PictureSize, ResampleFilter, ResizeArithmetic } from './types.js'

/** Longest edge that a config may ask for, pixels; the largest known encoder takes 1,120. */
const MAX_EDGE = 16_384

const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711]

/** What a processor class does where its config says nothing. */
interface Defaults {
  readonly size: unknown
  readonly crop: boolean
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

const CLIP: Defaults = { size: { shortest_edge: 224 }, crop: true, mean: CLIP_MEAN, std: CLIP_STD }
const ONEVISION: Defaults = { ...CLIP, size: { height: 384, width: 384 }, crop: false }
const HALVES = [0.5, 0.5, 0.5]
const SIGLIP: Defaults = { size: { height: 224, width: 224 }, crop: false, mean: HALVES, std: HALVES }

const PROCESSORS: ReadonlyMap<string, readonly [Defaults, ResizeArithmetic]> = new Map([
  ['CLIPImageProcessor', [CLIP, 'pil']],
  ['CLIPFeatureExtractor', [CLIP, 'pil']],
  ['CLIPImageProcessorFast', [CLIP, 'torchvision']],
  ['LlavaNextImageProcessor', [CLIP, 'pil']],
  ['LlavaNextImageProcessorFast', [CLIP, 'torchvision']],
  ['LlavaNextVideoImageProcessor', [CLIP, 'pil']],
  ['LlavaNextVideoVideoProcessor', [CLIP, 'torchvision']],
  ['LlavaOnevisionImageProcessor', [ONEVISION, 'pil']],
  ['LlavaOnevisionImageProcessorFast', [ONEVISION, 'torchvision']],
  ['LlavaOnevisionVideoProcessor', [ONEVISION, 'torchvision']],
  ['VideoLlavaImageProcessor', [CLIP, 'pil']],
  ['VideoLlavaVideoProcessor', [CLIP, 'torchvision']],
  ['SiglipImageProcessor', [SIGLIP, 'pil']],
  ['SiglipImageProcessorFast', [SIGLIP, 'torchvision']],
])

/** Pillow's numbers for its filters, except 0, nearest, which no encoder was trained with. */
const FILTERS: ReadonlyMap<unknown, ResampleFilter> = new Map([
  [1, 'lanczos'],
  [2, 'bilinear'],
  [3, 'bicubic'],
  [4, 'box'],
  [5, 'hamming'],
])

const TYPE_FIELDS = ['image_processor_type', 'video_processor_type', 'feature_extractor_type']

/** Fields that this reader understands. */
const USED = new Set([
  ...TYPE_FIELDS,
  'do_resize',
  'size',
  'default_to_square',
  'resample',
  'do_center_crop',
  'crop_size',
  'do_rescale',
  'rescale_factor',
  'do_normalize',
  'image_mean',
  'image_std',
])

/** Fields that change no pixel of a frame: bookkeeping, and frame sampling, which the plan does. */
const NEUTRAL = new Set([
  'processor_class',
  'do_convert_rgb',
  'data_format',
  'input_data_format',
  'return_tensors',
  'device',
  'disable_grouping',
  '_valid_processor_keys',
  'model_input_names',
  'do_sample_frames',
  'num_frames',
  'fps',
  'video_metadata',
  'return_metadata',
])

/** How LLaVA-NeXT and LLaVA-OneVision cut large images into crops; a frame is not cut. */
const CROPS = new Set(['aspect_ratio_setting', 'do_pad', 'image_grid_pinpoints'])
const CROPPING = /^Llava(Next|Onevision)/

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads preprocessor_config.json or video_preprocessor_config.json. What is absent is the processor class's
 * default, as in the library that published it.
 *
 * @param config - The parsed JSON.
 * @throws {CheckpointError} CHECKPOINT_UNSUPPORTED if it names an unknown processor, asks for something that is not
 *   built here, or has a field that is not known to be harmless; CHECKPOINT_INVALID if a value makes no sense.
 *   Both name the field.
 */
export function parseImageProcessing(config: unknown): ImageProcessing {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw invalid('it', 'an object')
  const fields = config as Fields
  refuseUnknown(fields)
  const [defaults, arithmetic] = processorOf(fields)
  const resize = flag(fields, 'do_resize', true) ? parseResize(fields, defaults) : null
  const crop = flag(fields, 'do_center_crop', defaults.crop) ? parseCrop(fields.crop_size) : null
  if (!crop && !(resize && 'width' in resize)) {
    throw unsupported('do_center_crop', 'without it pictures of different shapes would keep different sizes')
  }
  const normalize = flag(fields, 'do_normalize', true)
  return {
    resize,
    crop,
    arithmetic,
    filter: parseFilter(fields.resample ?? 3, arithmetic),
    rescaleFactor: flag(fields, 'do_rescale', true) ? parseFactor(fields.rescale_factor ?? 1 / 255) : 1,
    mean: normalize ? parseTriple('image_mean', fields.image_mean ?? defaults.mean) : [0, 0, 0],
    std: normalize ? parseTriple('image_std', fields.image_std ?? defaults.std) : [1, 1, 1],
  }
}

/**
 * What the original Video-LLaVA does to frames, which no file of its checkpoint says: shorter edge bilinear
 * without antialias, centre crop, CLIP's mean and deviation.
 *
 * @param side - Side of the encoder's picture, pixels.
 */
export function originalVideoLlavaProcessing(side: number): ImageProcessing {
  return {
    resize: { shortestEdge: side },
    filter: 'bilinear',
    arithmetic: 'tensor',
    crop: { width: side, height: side },
    rescaleFactor: 1 / 255,
    mean: parseTriple('image_mean', CLIP_MEAN),
    std: parseTriple('image_std', CLIP_STD),
  }
}

/** A field that is null or false asks for nothing; any other might change pixels, so it is not passed over. */
function refuseUnknown(fields: Fields): void {
  const crops = TYPE_FIELDS.some((name) => CROPPING.test(String(fields[name])))
  for (const [name, value] of Object.entries(fields)) {
    if (USED.has(name) || NEUTRAL.has(name) || value === null || value === false) continue
    if (crops && CROPS.has(name)) continue
    throw unsupported(name, 'it may change pixels, and is not known here')
  }
}

function processorOf(fields: Fields): readonly [Defaults, ResizeArithmetic] {
  for (const field of TYPE_FIELDS) {
    const type = fields[field]
    if (type === undefined || type === null) continue
    const found = typeof type === 'string' ? PROCESSORS.get(type) : undefined
    if (!found)
      throw unsupported(field, `${JSON.stringify(type)} is not one of ${[...PROCESSORS.keys()].join(', ')}`)
    return found
  }
  return [CLIP, 'pil']
}

function flag(fields: Fields, name: string, fallback: boolean): boolean {
  const value = fields[name] ?? fallback
  if (typeof value !== 'boolean') throw invalid(name, 'true or false')
  return value
}

function parseResize(fields: Fields, defaults: Defaults): ImageProcessing['resize'] {
  const size = fields.size ?? defaults.size
  if (typeof size === 'number') {
    const edge = parseEdge('size', size)
    return flag(fields, 'default_to_square', false) ? { width: edge, height: edge } : { shortestEdge: edge }
  }
  if (isRecord(size) && Object.keys(size).join() === 'shortest_edge') {
    return { shortestEdge: parseEdge('size.shortest_edge', size.shortest_edge) }
  }
  return parseSize('size', size)
}

function parseCrop(value: unknown): PictureSize {
  const size = value ?? 224
  if (typeof size !== 'number') return parseSize('crop_size', size)
  const edge = parseEdge('crop_size', size)
  return { width: edge, height: edge }
}

function parseSize(name: string, size: unknown): PictureSize {
  if (!isRecord(size)) throw invalid(name, 'a number or an object of edges')
  const { width, height, ...others } = size
  const other = Object.keys(others)[0]
  if (other !== undefined)
    throw unsupported(`${name}.${other}`, 'only a shortest_edge, or a height and a width, are known')
  return { width: parseEdge(`${name}.width`, width), height: parseEdge(`${name}.height`, height) }
}

function parseEdge(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_EDGE) return value
  throw invalid(name, `a whole number from 1 to ${MAX_EDGE}`)
}

function parseFilter(value: unknown, arithmetic: ResizeArithmetic): ResampleFilter {
  const filter = FILTERS.get(value)
  const inFloats = filter === 'bilinear' || filter === 'bicubic'
  if (filter && (arithmetic === 'pil' || inFloats)) return filter
  throw unsupported(
    'resample',
    `filter ${JSON.stringify(value)} is not known${filter ? ' for this processor' : ''}`,
  )
}

function parseFactor(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw invalid('rescale_factor', 'a number above 0')
}

/** Three numbers, or one for all channels; deviations above 0. */
function parseTriple(name: 'image_mean' | 'image_std', value: unknown): [number, number, number] {
  const list: unknown[] =
    typeof value === 'number' ? [value, value, value] : Array.isArray(value) ? value : []
  const [red, green, blue] = list
  const valid = (item: unknown): item is number =>
    typeof item === 'number' && Number.isFinite(item) && (name === 'image_mean' || item > 0)
  if (list.length === 3 && valid(red) && valid(green) && valid(blue)) return [red, green, blue]
  throw invalid(name, name === 'image_mean' ? 'three numbers' : 'three numbers above 0')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(field: string, requirement: string): CheckpointError {
  return new CheckpointError('CHECKPOINT_INVALID', `Image processor config: ${field} must be ${requirement}.`)
}

function unsupported(field: string, reason: string): CheckpointError {
  const message = `Image processor config: ${field} cannot be honoured; ${reason}.`
  return new CheckpointError('CHECKPOINT_UNSUPPORTED', message)
}
