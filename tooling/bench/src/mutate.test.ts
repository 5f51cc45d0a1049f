import { expect, test } from 'vitest'
import { MUTATIONS, mutate, readSamples } from './api/mutations.js'
import { mutateBench } from './mutate.js'

test('every broken file is answered or refused', { timeout: 180_000 }, async () => {
  const { result, failed } = await mutateBench.run(['--files', '24'], () => {})
  expect(failed).toBe(false)
  expect(result).toMatchObject({ tried: 24, crashes: 0, hangs: 0, leaks: 0, unclean: 0 })
  expect(Number(result.answered) + Number(result.refused)).toBe(24)
  expect(Number(result.refused)).toBeGreaterThan(0)
})

test('files of every kind are broken in every way, the same each time', () => {
  const samples = readSamples()
  const all = Array.from({ length: 200 }, (_, number) => mutate(samples, number))
  const types = new Set(samples.map(({ type }) => type))
  for (const type of ['video/mp4', 'video/webm', 'video/mp2t', 'video/x-msvideo', 'image/png', 'image/webp'])
    expect(types).toContain(type)
  const kinds = new Set(all.map(({ type, how }) => `${type} ${how}`))
  expect(kinds.size).toBe(types.size * MUTATIONS.length)
  expect(all.map(({ bytes }) => bytes.length)).toEqual(
    Array.from({ length: 200 }, (_, number) => mutate(samples, number).bytes.length),
  )
  // The whole files stay whole.
  expect(readSamples()).toEqual(samples)
  const whole = new Map(samples.map(({ name, bytes }) => [name, Buffer.from(bytes)]))
  const changed = all.filter(({ name, bytes }) => !whole.get(name)?.equals(bytes))
  expect(changed.length).toBeGreaterThan(180)
})
