import { type RopeScaling, ropeFrequencies } from '@longtake/core'
import { axes, curve, legend, line, place, type Scale } from './chart.js'
import { COLOURS, INK, note, picture } from './svg.js'

const HEAD_DIM = 128
const THETA = 10_000
const TRAINED = 4096
const FACTOR = 4
const CONTEXT = TRAINED * FACTOR

const SCALINGS: readonly { label: string; scaling: RopeScaling; dashes?: string }[] = [
  { label: 'none', scaling: { type: 'none' } },
  { label: 'linear', scaling: { type: 'linear', factor: FACTOR }, dashes: '2 4' },
  { label: 'NTK-aware', scaling: { type: 'ntk', factor: FACTOR } },
  { label: 'YaRN', scaling: { type: 'yarn', factor: FACTOR, originalLength: TRAINED }, dashes: '9 4' },
]

/** How many positions each pair of channels takes for one turn, by scaling. */
export function drawRopeWavelengths(): string {
  const x: Scale = { values: [0, HEAD_DIM / 2 - 1], pixels: [76, 660] }
  const y: Scale = { values: [6, 400_000], pixels: [340, 40], logarithmic: true }
  const pairs = [0, 16, 32, 48, 63].map((value) => ({ value, label: String(value) }))
  const lengths = [10, 100, 1000, 10_000, 100_000].map((value) => ({
    value,
    label: value.toLocaleString('en'),
  }))
  return picture(880, 400, 'Wavelengths of rotary position embeddings under four scalings', [
    ...axes(x, pairs, y, lengths),
    ...SCALINGS.map(({ scaling, dashes }, index) =>
      curve(x, y, wavelengths(scaling), COLOURS[index] ?? INK, dashes),
    ),
    ...[TRAINED, CONTEXT].map((length) => line([76, place(y, length)], [660, place(y, length)], INK)),
    note(668, place(y, TRAINED) + 4, `trained: ${TRAINED.toLocaleString('en')} tokens`),
    note(668, place(y, CONTEXT) + 4, `needed: ${CONTEXT.toLocaleString('en')} tokens`),
    note(76, 24, 'positions for one turn'),
    note(368, 386, 'pair of channels', { 'text-anchor': 'middle' }),
    ...legend(690, 250, SCALINGS.map(legendEntry)),
  ])
}

function wavelengths(scaling: RopeScaling): number[] {
  const { inverseFrequencies } = ropeFrequencies(THETA, HEAD_DIM, scaling, CONTEXT)
  return inverseFrequencies.map((frequency) => (2 * Math.PI) / frequency)
}

function legendEntry({ label, dashes }: (typeof SCALINGS)[number], index: number) {
  return { label, stroke: COLOURS[index] ?? INK, ...(dashes === undefined ? {} : { dashes }) }
}
