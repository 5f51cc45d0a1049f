import { FAINT, note, tag, text } from './svg.js'

/** Where values lie in a picture: `[least, most]` of the values, `[from, to]` in pixels. */
export interface Scale {
  readonly values: readonly [number, number]
  readonly pixels: readonly [number, number]
  readonly logarithmic?: boolean
}

/** The pixel of a value. */
export function place({ values, pixels, logarithmic }: Scale, value: number): number {
  const [least, most, here] = [...values, value].map((one) => (logarithmic === true ? Math.log(one) : one))
  if (least === undefined || most === undefined || here === undefined) return pixels[0]
  return pixels[0] + ((here - least) / (most - least)) * (pixels[1] - pixels[0])
}

export interface Tick {
  readonly value: number
  readonly label: string
}

/** Both axes of a chart with lines across at the ticks of `y`. */
export function axes(x: Scale, xTicks: readonly Tick[], y: Scale, yTicks: readonly Tick[]): string[] {
  const bottom = y.pixels[0]
  return [
    ...yTicks.flatMap(({ value, label }) => {
      const at = place(y, value)
      return [
        line([x.pixels[0], at], [x.pixels[1], at], FAINT),
        note(x.pixels[0] - 8, at + 4, label, { 'text-anchor': 'end' }),
      ]
    }),
    ...xTicks.map(({ value, label }) =>
      note(place(x, value), bottom + 20, label, { 'text-anchor': 'middle' }),
    ),
  ]
}

export function line(from: readonly [number, number], to: readonly [number, number], stroke: string): string {
  return tag('line', { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke })
}

/** A line through values, one for each of 0, 1, 2, … on `x`. */
export function curve(x: Scale, y: Scale, values: readonly number[], stroke: string, dashes = ''): string {
  const points = values.map((value, index) => `${place(x, index).toFixed(2)},${place(y, value).toFixed(2)}`)
  const dashed = dashes === '' ? {} : { 'stroke-dasharray': dashes }
  return tag('polyline', { points: points.join(' '), fill: 'none', stroke, 'stroke-width': 2.5, ...dashed })
}

/** A key of lines, one below the other. */
export function legend(
  x: number,
  y: number,
  entries: readonly { readonly label: string; readonly stroke: string; readonly dashes?: string }[],
): string[] {
  return entries.flatMap(({ label, stroke, dashes }, index) => {
    const at = y + index * 20
    const dashed = dashes === undefined ? {} : { 'stroke-dasharray': dashes }
    return [
      tag('line', { x1: x, y1: at, x2: x + 28, y2: at, stroke, 'stroke-width': 2.5, ...dashed }),
      text(x + 36, at + 5, label, { 'font-size': 15 }),
    ]
  })
}
