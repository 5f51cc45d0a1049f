/**
 * The world of the embedded checkpoint, as `tooling/train/longtake_train/world.py` has it: what a shot shows.
 */

const COLOURS = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'cyan', 'white'] as const
const SHAPES = ['circle', 'square', 'triangle', 'star', 'cross', 'ring'] as const
export const NUMBERS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const
export const CAPTIONS = ['b', 'e', 'h', 'k', 'm', 'go', 'hi', 'ok', 'tv', 'up', 'we', 'xl'] as const
/** One slow change spans the whole video; `steady` has none. */
export const TRENDS = ['brighter', 'darker', 'left', 'right', 'longer', 'shorter', 'steady'] as const

export type ColourName = (typeof COLOURS)[number]
export type ShapeName = (typeof SHAPES)[number]
export type Trend = (typeof TRENDS)[number]

/** What questions call a shot by: a colour and a shape. */
export interface Thing {
  readonly colour: ColourName
  readonly shape: ShapeName
}

export interface Shot extends Thing {
  readonly number: (typeof NUMBERS)[number]
  readonly caption: (typeof CAPTIONS)[number]
}

/** Every thing of the world. */
export const THINGS: readonly Thing[] = COLOURS.flatMap((colour) =>
  SHAPES.map((shape) => ({ colour, shape })),
)

export function nameOf({ colour, shape }: Thing): string {
  return `${colour} ${shape}`
}
