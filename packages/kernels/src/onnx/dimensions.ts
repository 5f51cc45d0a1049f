import { ShapeError } from '@longtake/core'
import type { Dimension } from './model.js'

/** A size as a whole-number factor times named sizes, such as 8·clips; the names are sorted. */
interface Product {
  readonly factor: number
  readonly symbols: readonly string[]
}

/**
 * The product of sizes, named ones included: `multiply(8, 'clips')` is `'8*clips'`.
 *
 * Equal products give equal results, whatever the order: `multiply('b', 2, 'a')` and `multiply('2*a', 'b')`
 * are both `'2*a*b'`.
 */
export function multiply(...dims: readonly Dimension[]): Dimension {
  return format(productOf(dims))
}

/**
 * The one size `x` for which `multiply(...known, x)` equals `multiply(...whole)`.
 *
 * @throws {ShapeError} If `whole` is no multiple of `known`.
 */
export function solve(argument: string, whole: readonly Dimension[], known: readonly Dimension[]): Dimension {
  const total = productOf(whole)
  const part = productOf(known)
  const symbols = [...total.symbols]
  for (const symbol of part.symbols) {
    const at = symbols.indexOf(symbol)
    if (at < 0) throw new ShapeError(argument, `a multiple of ${format(part)}`, whole)
    symbols.splice(at, 1)
  }
  const factor = total.factor / part.factor
  if (!Number.isInteger(factor)) throw new ShapeError(argument, `a multiple of ${format(part)}`, whole)
  return format({ factor, symbols })
}

/** Whether two shapes are the same, size by size. */
export function sameDims(a: readonly Dimension[], b: readonly Dimension[]): boolean {
  return a.length === b.length && a.every((dim, axis) => multiply(dim) === multiply(b[axis]!))
}

/**
 * The shape of an element-wise result by ONNX's (NumPy's) broadcasting rule.
 *
 * @throws {ShapeError} If a pair of sizes differs and neither is 1.
 */
export function broadcast(argument: string, a: readonly Dimension[], b: readonly Dimension[]): Dimension[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - (rank - a.length)] ?? 1
    const right = b[axis - (rank - b.length)] ?? 1
    if (left === 1) return right
    if (right === 1 || multiply(left) === multiply(right)) return left
    throw new ShapeError(argument, `a shape that broadcasts with [${a.join(', ')}]`, b)
  })
}

function productOf(dims: readonly Dimension[]): Product {
  let factor = 1
  const symbols: string[] = []
  for (const part of dims.flatMap((dim) => String(dim).split('*'))) {
    const value = Number(part)
    if (Number.isNaN(value)) symbols.push(part)
    else factor *= value
  }
  return { factor, symbols: symbols.sort() }
}

function format({ factor, symbols }: Product): Dimension {
  if (symbols.length === 0) return factor
  return (factor === 1 ? symbols : [factor, ...symbols]).join('*')
}
