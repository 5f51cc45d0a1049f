import type { Triple } from '@longtake/core'
import { InvalidArgumentError } from 'commander'

/** A parser of whole numbers from `min` to `max`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`
  return (text) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number ${range}.`)
  }
}

/** A parser of numbers that `accepts` takes; `expected` tells which those are. */
export function number(expected: string, accepts: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN
    if (Number.isFinite(value) && accepts(value)) return value
    throw new InvalidArgumentError(`Expected ${expected}.`)
  }
}

/** Whole number of frames, or `auto`. */
export function frameCount(max: number): (text: string) => number | 'auto' {
  return (text) => {
    if (text === 'auto') return text
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
    if (value >= 1 && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${max}, or auto.`)
  }
}

/** Three whole numbers: frames, rows and columns, as `2,3,3` or `2x3x3`. */
export function triple(max: number): (text: string) => Triple {
  return (text) => {
    const [frames, rows, columns, ...rest] = text.split(/[,x×]/).map((part) => {
      const value = /^\d+$/.test(part.trim()) ? Number(part) : 0
      return value >= 1 && value <= max ? value : undefined
    })
    if (frames !== undefined && rows !== undefined && columns !== undefined && rest.length === 0)
      return [frames, rows, columns]
    throw new InvalidArgumentError(
      `Expected three whole numbers from 1 to ${max}, frames, rows and columns, such as 2,3,3.`,
    )
  }
}

/** Seconds (`90`, `1.5`) or clock time (`1:30`, `1:02:03.5`). */
export function clockTime(text: string): number {
  const parts = text.trim().split(':')
  const isClock = parts.length <= 3 && parts.every((part, index) => isTimePart(part, index, parts.length))
  const seconds = isClock ? parts.reduce((sum, part) => sum * 60 + Number(part), 0) : Number.NaN
  if (Number.isFinite(seconds)) return seconds
  throw new InvalidArgumentError('Expected seconds, such as 90 or 1.5, or a time such as 1:30 or 1:02:03.5.')
}

function isTimePart(part: string, index: number, count: number): boolean {
  const isLast = index === count - 1
  if (!(isLast ? /^\d+(\.\d*)?$/ : /^\d+$/).test(part)) return false
  return index === 0 || Number(part) < 60
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
}

/** Bytes: `500000000`, `500MB`, `2GiB`. */
export function byteCount(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? []
  const factor = UNITS[unit.toLowerCase()]
  const bytes = digits === undefined || factor === undefined ? 0 : Math.floor(Number(digits) * factor)
  if (bytes >= 1 && Number.isFinite(bytes)) return bytes
  throw new InvalidArgumentError('Expected bytes, such as 500MB or 2GiB.')
}

/** Text that is not empty. */
export function filledText(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Expected text that is not empty.')
  return text
}

/** Collects an option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Expected text that is not empty.')
  return [...before, text]
}
