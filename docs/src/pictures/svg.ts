/** Colours of clips and lines: apart in lightness too, and dark enough for white letters on them. */
export const COLOURS = ['#0072b2', '#b34f00', '#007a59', '#aa3377'] as const
export const INK = '#1f2328'
export const FAINT = '#d0d7de'
const MUTED = '#59636e'

export type Attributes = Readonly<Record<string, string | number>>

/** An element of an SVG as text. */
export function tag(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(shorten(value))}"`)
  const start = `<${name}${written.join('')}`
  return children.length === 0 ? `${start}/>` : `${start}>${children.join('')}</${name}>`
}

/** A line of text, its baseline at `y`. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return tag('text', { x, y, fill: INK, ...attributes }, escapeText(content))
}

/** Text that explains, smaller and paler. */
export function note(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return text(x, y, content, { fill: MUTED, 'font-size': 14, ...attributes })
}

/** A whole picture on a white card, which is readable on light and on dark pages alike. */
export function picture(width: number, height: number, title: string, body: readonly string[]): string {
  const frame = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height }
  const font = { role: 'img', 'font-family': 'system-ui, sans-serif', 'font-size': 16 }
  const card = tag('rect', { width, height, rx: 8, fill: '#ffffff' })
  return `${tag('svg', { ...frame, ...font }, tag('title', {}, escapeText(title)), card, `\n${body.join('\n')}\n`)}\n`
}

/** Two decimals are a hundredth of a pixel; more would only make files differ between machines. */
function shorten(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : value
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
