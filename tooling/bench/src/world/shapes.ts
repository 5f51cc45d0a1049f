import type { ShapeName } from './world.js'

/**
 * Distance to a shape's edge, roughly: below 0 inside.
 *
 * @param dx - From the centre to the right, shares of the picture's side.
 * @param dy - From the centre down.
 * @param radius - Of the circle around the shape.
 */
export type EdgeDistance = (dx: number, dy: number, radius: number) => number

/** Each shape of the world. Source of the formulas: `tooling/train/longtake_train/drawing.py`. */
export const EDGE_DISTANCES: Readonly<Record<ShapeName, EdgeDistance>> = {
  circle: (dx, dy, r) => lengthOf(dx, dy) - r,
  ring: (dx, dy, r) => Math.abs(lengthOf(dx, dy) - r * 0.76) - r * 0.24,
  square: (dx, dy, r) => Math.max(Math.abs(dx), Math.abs(dy)) - r * 0.86,
  cross: (dx, dy, r) => {
    const [ax, ay] = [Math.abs(dx), Math.abs(dy)]
    return Math.min(Math.max(ax - r, ay - r * 0.3), Math.max(ax - r * 0.3, ay - r))
  },
  triangle: (dx, dy, r) => Math.max(dy - r * 0.72, Math.abs(dx) * 0.88 - (dy + r) * 0.47),
  star: (dx, dy, r) => {
    // The edge swings between a tip and a notch five times round.
    const turns = (Math.atan2(dx, -dy) / (2 * Math.PI)) * 5
    const swing = Math.abs(turns - Math.floor(turns) - 0.5) * 2
    return (lengthOf(dx, dy) - r * (0.42 + 0.66 * swing ** 1.3)) * 0.6
  },
}

/** `Math.hypot` guards against overflow, which takes many times as long. */
function lengthOf(dx: number, dy: number): number {
  return Math.sqrt(dx * dx + dy * dy)
}
