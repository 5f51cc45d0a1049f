import { markdownTable, percent } from './markdown-table.js'
import type { Quality, QualityArm, Results } from './results.js'

type Shots = 8 | 32 | 64
const SHOTS: readonly Shots[] = [8, 32, 64]
const LAYOUTS = ['interleaved', 'contiguous', 'unordered'] as const
const ROPES = ['ntk', 'none', 'linear', 'dynamic', 'yarn'] as const
const CACHES = ['fp32', 'int8', 'int4'] as const

export function lengthTable({ quality }: Results): string {
  const rows = SHOTS.flatMap((shots) =>
    (['ntk', 'yarn'] as const).map((rope) => [
      String(shots),
      rope,
      ...[8, 16, 32, 64].map((frames) => accuracy(unpooled(quality[shots], frames, { rope }))),
    ]),
  )
  return markdownTable(['shots', 'RoPE', '8 frames', '16', '32', '64'], rows)
}

export function layoutTable({ quality }: Results): string {
  const pairs = [
    [8, 16],
    [8, 32],
    [32, 16],
    [32, 32],
    [64, 32],
    [64, 64],
  ] as const
  const rows = pairs.map(([shots, frames]) => {
    const arms = LAYOUTS.map((layout) => unpooled(quality[shots], frames, { layout }))
    return [
      String(shots),
      String(frames),
      ...arms.map(accuracy),
      ...arms.map((arm) => percent(arm.families.slow)),
    ]
  })
  return markdownTable(['shots', 'frames', ...LAYOUTS, ...LAYOUTS.map((layout) => `${layout}, slow`)], rows)
}

export function ropeTable({ quality }: Results): string {
  const pairs = [
    [8, 32],
    [8, 64],
    [32, 16],
    [32, 32],
    [32, 64],
    [64, 32],
    [64, 64],
  ] as const
  const rows = pairs.map(([shots, frames]) => [
    String(shots),
    String(frames),
    ...ROPES.map((rope) => accuracy(unpooled(quality[shots], frames, { rope }))),
  ])
  return markdownTable(['shots', 'frames', ...ROPES], rows)
}

export function cacheTable({ quality }: Results): string {
  const pairs = [
    [8, 8],
    [8, 32],
    [8, 64],
    [32, 32],
    [32, 64],
    [64, 32],
    [64, 64],
  ] as const
  const rows = pairs.map(([shots, frames]) => [
    String(shots),
    String(frames),
    ...CACHES.map((kv) => accuracy(unpooled(quality[shots], frames, { kv }))),
  ])
  return markdownTable(['shots', 'frames', ...CACHES], rows)
}

export function methodTable({ quality }: Results): string {
  const cases = [
    [8, 8],
    [32, 32],
    [32, 64],
    [64, 64],
    [64, 128],
  ] as const
  const rows = cases.flatMap(([shots, frames]) =>
    [shots, shots / 2, shots / 4].map((tokens) => {
      const average = pooled(quality[shots], 'average', frames, tokens)
      const guided = pooled(quality[shots], 'guided', frames, tokens)
      const both = (share: (arm: QualityArm) => number) => [percent(share(average)), percent(share(guided))]
      const groups = [...both((arm) => arm.groups.smallPart), ...both((arm) => arm.groups.whole)]
      return [String(shots), String(frames), String(tokens), ...both((arm) => arm.accuracy), ...groups]
    }),
  )
  const groups = ['small part: average', 'guided', 'whole: average', 'guided']
  return markdownTable(['shots', 'frames', 'tokens', 'average', 'guided', ...groups], rows)
}

export function costTable({ quality }: Results): string {
  const rows = SHOTS.map((shots) => {
    const none = unpooled(quality[shots], shots, { rope: 'yarn' })
    const guided = pooled(quality[shots], 'guided', shots, shots)
    const auto = automatic(quality[shots])
    const chosen = [String(auto.frames), String(auto.tokens), accuracy(auto)]
    const pair = [String(none.tokens), accuracy(none), String(guided.tokens), accuracy(guided)]
    return [String(shots), String(shots), ...pair, ...chosen]
  })
  const heads = ['shots', 'frames', 'tokens', 'no pooling', 'tokens', 'guided']
  return markdownTable([...heads, 'default: frames', 'tokens', 'accuracy'], rows)
}

export function kindTable({ quality }: Results): string {
  const columns: readonly (readonly [string, QualityArm])[] = [
    ['8 shots, none', unpooled(quality[8], 8, {})],
    ['8, default', automatic(quality[8])],
    ['32, none', unpooled(quality[32], 32, { rope: 'yarn' })],
    ['32, default', automatic(quality[32])],
    ['32, guided, 8 tokens', pooled(quality[32], 'guided', 32, 8)],
    ['32, average, 8 tokens', pooled(quality[32], 'average', 32, 8)],
    ['64, none', unpooled(quality[64], 64, { rope: 'yarn' })],
    ['64, default', automatic(quality[64])],
  ]
  const rows = KINDS.map((kind) => [kind, ...columns.map(([, arm]) => percent(arm.kinds[kind]))])
  return markdownTable(['kind', ...columns.map(([head]) => head)], rows, 1)
}

/** Look-ups first, then order, what is there, and slow change. */
const KINDS = [
  ...['number', 'caption', 'colour', 'shape', 'first', 'last', 'before', 'after'],
  ...['order', 'exists', 'count', 'when', 'brightness', 'drift', 'size'],
]

export function otherSeedTable({ otherSeed }: Results): string {
  const rows = ([8, 32] as const).map((shots) => {
    const tenth = shots / 2
    const arms = [
      pooled(otherSeed[shots], 'guided', shots, shots),
      automatic(otherSeed[shots]),
      pooled(otherSeed[shots], 'average', shots, tenth),
      pooled(otherSeed[shots], 'guided', shots, tenth),
    ]
    const none = (frames: number) => accuracy(unpooled(otherSeed[shots], frames, { rope: 'yarn' }))
    return [String(shots), none(8), String(shots), none(shots), ...arms.map(accuracy)]
  })
  const heads = ['shots', '8 frames, none', 'frames', 'none', 'guided, a fifth of the tokens', 'default']
  return markdownTable([...heads, 'average, a tenth', 'guided, a tenth'], rows)
}

/** The arm at the centre (the paper's method, uncompressed), but for what is named. */
function unpooled(
  quality: Quality,
  frames: number,
  axis: Partial<Pick<QualityArm, 'layout' | 'rope' | 'kv'>>,
) {
  return arm(quality, { pooling: 'none', frames, layout: 'interleaved', rope: 'ntk', kv: 'fp32', ...axis })
}

function pooled(quality: Quality, pooling: 'average' | 'guided', frames: number, tokens: number): QualityArm {
  return arm(quality, { pooling, frames, tokens, auto: false })
}

function automatic(quality: Quality): QualityArm {
  return arm(quality, { auto: true })
}

function arm({ arms, command }: Quality, wanted: Partial<QualityArm>): QualityArm {
  const entries = Object.entries(wanted)
  const found = arms.find((one) => entries.every(([name, value]) => Reflect.get(one, name) === value))
  if (found === undefined) throw new Error(`${command}: no arm has ${JSON.stringify(wanted)}`)
  return found
}

function accuracy(one: QualityArm): string {
  return percent(one.accuracy)
}
