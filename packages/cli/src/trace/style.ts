import { heatColour } from '@longtake/runtime/video'
import { dataUri, type HeatSprite } from './heat-sprite.js'
import { type Markup, styleElement } from './html.js'
import { SHEET } from './sheet.js'

/** Ten steps on a light ground, from little to much: the darker, the more. */
const LIGHT_STEPS = [
  '#e9ebf0',
  '#fbe6c8',
  '#f9d29b',
  '#f7bb6c',
  '#f39f43',
  '#ea7f2f',
  '#d95c34',
  '#b94048',
  '#8c2e58',
  '#57215c',
]

/** The page's style sheet, with the heat of all frames in it once. */
export function pageStyle(sprite: HeatSprite | undefined): Markup {
  const dark = LIGHT_STEPS.map((_, index) => `rgb(${heatColour(index / 9).join(' ')})`)
  const steps = (colours: readonly string[]): string =>
    colours.map((colour, index) => `--h${index}:${colour}`).join(';')
  const levels = dark.map((colour, index) => {
    const cell = `i.h${index}{background:var(--h${index})}rect.h${index}{fill:var(--h${index})}`
    const width = `${Math.round((index / 9) * 100)}%`
    const line = `i.r${index},i.a${index}{width:${width}}`
    return `${cell}${line}i.p${index}{background:${colour};opacity:.66}`
  })
  const heat =
    sprite === undefined
      ? ''
      : `.heat{background-image:url(${dataUri(sprite.png)});background-size:${sprite.columns * 100}% ${sprite.rows * 100}%}`
  const ramp = `linear-gradient(90deg,${dark.join(',')})`
  const css = `:root{${steps(LIGHT_STEPS)}}
@media screen and (prefers-color-scheme:dark){:root{${steps(dark)}}}
${SHEET}
.ramp{background:${ramp}}
${levels.join('\n')}
${heat}`
  return styleElement(css)
}
