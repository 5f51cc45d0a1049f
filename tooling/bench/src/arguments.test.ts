import { InvalidOptionError } from '@longtake/core'
import { expect, test } from 'vitest'
import { Arguments } from './arguments.js'

const KINDS = { frames: 'text', kv: 'text', full: 'flag' } as const

test('reads values, lists and flags', () => {
  const given = new Arguments(['--frames', '8,16,8', '--kv=int8', '--full'], KINDS)
  expect(given.integers('frames', [1])).toEqual([8, 16])
  expect(given.choices('kv', ['fp32', 'int8'], ['fp32'])).toEqual(['int8'])
  expect(given.flag('full')).toBe(true)
})

test('falls back where nothing is given', () => {
  const none = new Arguments([], KINDS)
  expect(none.integer('frames', 7)).toBe(7)
  expect(none.integers('frames', [8, 16])).toEqual([8, 16])
  expect(none.choice('kv', ['fp32', 'int8'], 'fp32')).toBe('fp32')
  expect(none.flag('full')).toBe(false)
  expect(none.text('kv')).toBeUndefined()
})

test.each([[['--unknown', '1']], [['--frames']], [['word']], [['--full', 'word']]])('refuses %j', (args) => {
  expect(() => new Arguments(args, KINDS)).toThrow(InvalidOptionError)
})

test.each(['', '0', '-1', '1.5', '1e3', 'eight', '8,,16', '5000'])('refuses %j as frames', (text) => {
  expect(() => new Arguments([`--frames=${text}`], KINDS).integers('frames', [], 1, 4096)).toThrow(
    InvalidOptionError,
  )
})

test('refuses an unknown choice, and a missing required option by name', () => {
  expect(() => new Arguments(['--kv', 'int2'], KINDS).choices('kv', ['int8'], [])).toThrow('one of int8')
  expect(() => new Arguments([], KINDS).required('frames')).toThrow('--frames')
})
