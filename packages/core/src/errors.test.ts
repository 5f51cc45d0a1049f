import { expect, test } from 'vitest'
import {
  CancelledError,
  CheckpointError,
  EngineError,
  HubError,
  InvalidOptionError,
  isLongtakeError,
  JobError,
  LinkError,
  LongtakeError,
  type LongtakeErrorCode,
  ShapeError,
  VideoError,
} from './index.js'

test.each([
  [new InvalidOptionError('frames', 'a whole number', Number.NaN), 'InvalidOptionError', 'INVALID_OPTION'],
  [new ShapeError('pixels', '[3, S, S]', [3, 48]), 'ShapeError', 'SHAPE'],
  [new VideoError('VIDEO_EMPTY', 'The file is empty.'), 'VideoError', 'VIDEO_EMPTY'],
  [new CheckpointError('CHECKPOINT_TENSOR', 'No tensor.'), 'CheckpointError', 'CHECKPOINT_TENSOR'],
  [new HubError('HUB_DENIED', 'Denied.'), 'HubError', 'HUB_DENIED'],
  [new LinkError('LINK_REFUSED', 'Refused.'), 'LinkError', 'LINK_REFUSED'],
  [new EngineError('CONTEXT_TOO_LONG', 'Too long.'), 'EngineError', 'CONTEXT_TOO_LONG'],
  [new JobError('JOBS_FULL', 'Full.', { retryAfterSeconds: 3 }), 'JobError', 'JOBS_FULL'],
  [new CancelledError(), 'CancelledError', 'CANCELLED'],
] as const)('%s has its name and code and is known as ours', (error, name, code) => {
  expect(error).toBeInstanceOf(LongtakeError)
  expect(error).toBeInstanceOf(Error)
  expect(isLongtakeError(error)).toBe(true)
  expect(error.name).toBe(name)
  expect(error.code satisfies LongtakeErrorCode).toBe(code)
  expect(error.message).not.toBe('')
})

test('keeps the cause', () => {
  const cause = new Error('disk')
  expect(new VideoError('VIDEO_UNREADABLE', 'Cannot be read.', { cause }).cause).toBe(cause)
  expect(new CancelledError(undefined, { cause }).cause).toBe(cause)
})

test('knows errors of a second copy of the package, and nothing else', () => {
  const foreign = Object.assign(new Error('x'), { [Symbol.for('longtake.error')]: true })
  expect(isLongtakeError(foreign)).toBe(true)
  for (const other of [new Error('x'), null, undefined, 'SHAPE', { code: 'SHAPE' }]) {
    expect(isLongtakeError(other)).toBe(false)
  }
})

test('messages say what was given, and never at length', () => {
  const shown = (actual: unknown) => new InvalidOptionError('x', 'y', actual).message
  expect(shown(1e9)).toBe('x: expected y, got 1000000000')
  expect(shown('a "b"')).toBe('x: expected y, got "a \\"b\\""')
  expect(shown('z'.repeat(10_000)).length).toBeLessThan(120)
  expect(shown({ key: 'secret' })).toBe('x: expected y, got an object')
  expect(shown(undefined)).toBe('x: expected y, got undefined')
  expect(shown(Symbol('s'))).toBe('x: expected y, got Symbol(s)')
  expect(shown(() => 1)).toBe('x: expected y, got a function')
  expect(new ShapeError('pixels', '[3, S, S]', [3, 'S']).message).toBe(
    'pixels: expected [3, S, S], got [3, S]',
  )
})
