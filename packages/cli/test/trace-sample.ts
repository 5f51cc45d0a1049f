import {
  type ModelSpec,
  type PlanOptions,
  type PoolingPlan,
  planVideo,
  type Triple,
  type VideoFacts,
  type VideoPlan,
} from '@longtake/core'
import type { AnswerTrace } from '@longtake/runtime'
import { encodePng } from '@longtake/runtime/video'
import type { TraceData } from '../src/trace/trace-data.js'

export interface SampleOptions {
  readonly frames: number
  readonly method?: PoolingPlan['method'] | 'none'
  readonly kernel?: Triple
  readonly stride?: Triple
  readonly layout?: PlanOptions['layout']
  /** Patches of a frame. */
  readonly grid?: readonly [rows: number, columns: number]
  /** Pixels of a picture. */
  readonly size?: readonly [width: number, height: number]
  readonly seconds?: number
  readonly stills?: boolean
  readonly texts?: Partial<Pick<TraceData, 'files' | 'model' | 'question' | 'answer' | 'notes'>>
}

/** A trace as an answer could have left it, from random numbers: the question points at one moment and one place. */
export function sampleTrace(options: SampleOptions): TraceData {
  const { frames, stills = false, size = [320, 180], seconds = frames, texts } = options
  const spec = specOf(options.grid ?? [6, 6])
  const facts: VideoFacts = {
    startSeconds: 0,
    durationSeconds: stills ? 0 : seconds,
    width: size[0],
    height: size[1],
    codec: stills ? 'png' : 'h264',
    ...(stills ? { stills: frames } : { frameCount: frames * 25, framesPerSecond: 25 }),
  }
  const { method = 'guided', kernel = [2, 3, 3], stride, layout } = options
  const pooling = method === 'none' ? 'none' : { method, kernel, stride }
  const plan = planVideo(spec, facts, { frames: stills ? 'auto' : frames, pooling, layout })
  const random = makeRandom(frames)
  const trace = plan.pooling === null ? undefined : traceOf(plan, plan.pooling, random)
  const [width, height] = size
  return {
    files: ['talk.mp4'],
    model: '@longtake/tiny',
    question: 'What number is on the blue square?',
    answer: '7',
    notes: [...plan.notes],
    ...texts,
    facts,
    plan,
    frames: weigh(plan, trace),
    trace,
    milliseconds: 1234,
    picture: async (index) =>
      encodePng({ width, height, rgb: draw(width, height, index / frames), channels: 3 }),
    seen: () => {
      const side = Math.min(width, height)
      return {
        left: (width - side) / 2 / width,
        top: (height - side) / 2 / height,
        width: side / width,
        height: side / height,
      }
    },
  }
}

function specOf(grid: readonly [number, number]): ModelSpec {
  return {
    family: 'video_llava',
    encoder: {
      framesPerClip: 8,
      imageSize: 48,
      tokensPerFrame: grid[0] * grid[1] + 1,
      grid,
      classToken: true,
    },
    decoder: { layers: 4, kvHeads: 5, headDim: 32, hiddenSize: 160, vocabularySize: 200 },
    rope: { theta: 300, scaling: { type: 'none' } },
    context: { trainedLength: 512, nominalLength: 512 },
    pooling: {
      guided: true,
      temperature: 0.01,
      kernel: [2, 3, 3],
      stride: [2, 3, 3],
      imageKernel: [1, 3, 3],
      imageStride: [1, 3, 3],
    },
    defaults: {
      frames: 32,
      ropeType: 'ntk',
      kvCache: 'fp32',
      pooling: 'none',
      tokenBudget: undefined,
      mostFrames: 4096,
    },
  }
}

function traceOf(plan: VideoPlan, pooling: PoolingPlan, random: () => number): AnswerTrace {
  const { grid, kernel, stride, shape, method } = pooling
  const [frames, rows, columns] = grid
  const clips = plan.clips.flat()
  const order = plan.order.map((place) => clips[place] ?? place)
  const relevance = new Float32Array(method === 'guided' ? frames * rows * columns : 0)
  for (let at = 0; at < relevance.length; at++) {
    const time = (order[Math.floor(at / rows / columns)] ?? 0) / frames
    const patch = at % (rows * columns)
    const [y, x] = [Math.floor(patch / columns) / rows, (patch % columns) / columns]
    const distance = ((time - 0.62) / 0.03) ** 2 + ((x - 0.5) / 0.2) ** 2 + ((y - 0.4) / 0.2) ** 2
    relevance[at] = Math.exp(-distance) + 0.02 * random() + (Math.abs(time - 0.2) < 0.01 ? 0.2 * random() : 0)
  }
  scale(relevance)
  const windows: AnswerTrace['windows'][number][] = []
  for (let window = 0; window < shape[0] * shape[1] * shape[2]; window++) {
    const step = Math.floor(window / shape[1] / shape[2]) * stride[0]
    const row = (Math.floor(window / shape[2]) % shape[1]) * stride[1]
    const column = (window % shape[2]) * stride[2]
    const members = Float32Array.from({ length: kernel[0] * kernel[1] * kernel[2] }, (_, member) => {
      const frame = step + Math.floor(member / kernel[1] / kernel[2])
      const patch =
        (row + (Math.floor(member / kernel[2]) % kernel[1])) * columns + column + (member % kernel[2])
      return relevance.length > 0 ? (relevance[frame * rows * columns + patch] ?? 0) : 1
    })
    const attention =
      method === 'guided' ? members.reduce((sum, value) => sum + value, 0) + 1e-5 : random() ** 8
    scale(members)
    windows.push({ frames: [step, step + kernel[0]], row, column, attention, members })
  }
  const total = windows.reduce((sum, { attention }) => sum + attention, 0)
  return {
    question: 'What number is on the blue square?',
    prompt: { before: 'USER: ', after: '\nWhat number is on the blue square? ASSISTANT:' },
    grid,
    order,
    relevance,
    cosine: relevance.map((value) => Math.sqrt(value)),
    windows: windows.map((window) => ({ ...window, attention: window.attention / total })),
    pooling,
    textTokens: 9,
    guideSegments: 1,
  }
}

function weigh(plan: VideoPlan, trace: AnswerTrace | undefined): TraceData['frames'] {
  const weights = new Float64Array(plan.frames)
  const relevance = new Float64Array(plan.frames)
  const add = (to: Float64Array, index = 0, value = 0): void => {
    to[index] = (to[index] ?? 0) + value
  }
  if (trace === undefined) for (const index of weights.keys()) add(weights, index, 1 + Math.sin(index) ** 8)
  const patches = trace === undefined ? 1 : trace.grid[1] * trace.grid[2]
  for (const [at, value] of trace?.relevance.entries() ?? [])
    add(relevance, trace?.order[Math.floor(at / patches)], value)
  for (const { frames, attention } of trace?.windows ?? []) {
    const share = attention / (frames[1] - frames[0])
    for (let place = frames[0]; place < frames[1]; place++) add(weights, trace?.order[place], share)
  }
  const total = weights.reduce((sum, value) => sum + value, 0)
  return Array.from(weights, (weight, index) => ({
    index,
    timestamp: plan.timestamps[index] ?? index,
    weight: weight / total,
    ...(trace !== undefined && trace.relevance.length > 0 && { relevance: relevance[index] ?? 0 }),
  }))
}

function scale(values: Float32Array): void {
  const total = values.reduce((sum, value) => sum + value, 0)
  for (const [at, value] of values.entries()) values[at] = value / total
}

/** A square that wanders over a sky that changes its colour. */
function draw(width: number, height: number, time: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3)
  const noise = makeRandom(Math.floor(time * 5000) + 1)
  const [left, top] = [width * (0.2 + 0.5 * time), height * 0.35]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isSquare = x > left && x < left + height * 0.3 && y > top && y < top + height * 0.3
      const grain = 14 * noise()
      const sky = [150 + 80 * Math.sin(6 * time), 120 + (100 * y) / height, 210 - 90 * time]
      const colour = isSquare ? [30, 80, 220] : y > height * 0.75 ? [70, 120 - 50 * time, 60] : sky
      rgb.set(
        colour.map((value) => Math.max(0, Math.min(255, value + grain))),
        (y * width + x) * 3,
      )
    }
  }
  return rgb
}

/** Numbers from 0 to 1, the same ones for the same seed. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
