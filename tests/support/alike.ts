/**
 * A JSON value for comparing what different engines of JavaScript answer: without some fields, and numbers by 12 of their
 * 16 digits, because the last ones of `Math.pow` and the like are each engine's own.
 */
export function alike(value: unknown, without: ReadonlySet<string> = new Set()): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12))
  if (Array.isArray(value)) return value.map((item) => alike(item, without))
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !without.has(name))
  return Object.fromEntries(kept.map(([name, item]) => [name, alike(item, without)]))
}
