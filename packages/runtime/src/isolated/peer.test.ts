import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import {
  CancelledError,
  CheckpointError,
  EngineError,
  HubError,
  InvalidOptionError,
  isLongtakeError,
  LinkError,
  ShapeError,
  VideoError,
} from '@longtake/core'
import { describe, expect, test } from 'vitest'
import { type Handlers, Peer } from './peer.js'
import { type WireError, writeMessage } from './wire.js'

const LIMITS = { textBytes: 2 ** 16, arrayBytes: 2 ** 16 }

/** One side of a pipe, and what it wants of the other. */
function side(input: PassThrough, output: PassThrough, handlers: Handlers) {
  const ended = new PassThrough()
  const onEnd = (failure: WireError | undefined): void => void ended.emit('over', failure)
  const peer = new Peer({ input, output, handlers, limits: LIMITS, mostCalls: 3, onEnd })
  return { peer, over: once(ended, 'over') }
}

function pair(handlers: Handlers) {
  const [there, back] = [new PassThrough(), new PassThrough()]
  return { caller: side(back, there, {}), server: side(there, back, handlers), there, back }
}

const never = (): Promise<never> => new Promise(() => {})

describe('a call', () => {
  test('gives the result, after what was told before it', async () => {
    const { caller } = pair({
      count: async (to, { tell }) => {
        for (let step = 1; step <= Number(to); step++) tell(step)
        return Float32Array.of(0.5)
      },
    })
    const told: unknown[] = []
    const result = await caller.peer.call('count', 3, { onEvent: (event) => told.push(event) })
    expect(told).toEqual([1, 2, 3])
    expect(result).toEqual(Float32Array.of(0.5))
  })

  test.each([
    new InvalidOptionError('frames', 'a whole number', 'many'),
    new ShapeError('weights', '[4]', [3]),
    new VideoError('VIDEO_EMPTY', 'The file is empty.', { cause: new TypeError('inner') }),
    new CheckpointError('CHECKPOINT_TENSOR', 'No tensor.'),
    new HubError('HUB_DENIED', 'Denied.'),
    new LinkError('LINK_REFUSED', 'Not there.'),
    new EngineError('CONTEXT_TOO_LONG', 'Too long.'),
    new CancelledError(),
  ])('fails as the handler did: $name', async (error) => {
    const { caller } = pair({ fail: () => Promise.reject(error) })
    const failure = await caller.peer.call('fail', undefined).catch((reason: unknown) => reason)
    expect(failure).toBeInstanceOf(error.constructor)
    for (const field of ['name', 'message', 'code', 'option', 'argument'])
      expect(Reflect.get(failure as object, field)).toBe(Reflect.get(error, field))
    expect(String((failure as Error).cause)).toBe(String(error.cause))
    expect((failure as Error).stack).not.toContain('peer.test')
  })

  test('fails with an error of ours whose class is not known here', async () => {
    const brand = { name: 'NewError', code: 'NEW', [Symbol.for('longtake.error')]: true }
    const { caller } = pair({ fail: () => Promise.reject(Object.assign(new Error('new'), brand)) })
    const failure = await caller.peer.call('fail', undefined).catch((reason: unknown) => reason)
    expect(isLongtakeError(failure)).toBe(true)
    expect(failure).toMatchObject({ name: 'NewError', code: 'NEW', message: 'new' })
  })

  test('reaches only what is there', async () => {
    const { caller } = pair({})
    for (const method of ['read', 'constructor', '__proto__', 'toString'])
      await expect(caller.peer.call(method, undefined)).rejects.toThrow('There is no')
  })

  test('is cancelled over there', async () => {
    const { caller } = pair({
      wait: (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new CancelledError())),
        ),
    })
    const controller = new AbortController()
    const work = caller.peer.call('wait', undefined, { signal: controller.signal })
    controller.abort()
    await expect(work).rejects.toBeInstanceOf(CancelledError)
  })

  test('ends with what the end is given', async () => {
    const { caller } = pair({ wait: never })
    const work = caller.peer.call('wait', undefined)
    const lost = new EngineError('ENGINE_CRASHED', 'It ended.')
    caller.peer.end(lost)
    await expect(work).rejects.toBe(lost)
    await expect(caller.peer.call('wait', undefined)).rejects.toBe(lost)
  })
})

describe('the other side is given up', () => {
  test('when it sends what is no message', async () => {
    const { caller, back } = pair({ wait: never })
    back.write('Segmentation fault')
    expect(await caller.over).toMatchObject([{ name: 'WireError' }])
  })

  test('when it sends a message of no known kind', async () => {
    const { caller, back } = pair({ wait: never })
    void caller.peer.call('wait', undefined).catch(() => {})
    for (const piece of writeMessage('value', { kind: 'surprise', id: 1 })) back.write(piece)
    expect(await caller.over).toMatchObject([{ name: 'WireError' }])
  })

  test('when it asks for too much at once', async () => {
    const { caller, server } = pair({ wait: never })
    for (let count = 0; count < 4; count++) void caller.peer.call('wait', undefined).catch(() => {})
    expect(await server.over).toMatchObject([{ name: 'WireError', message: 'More than 3 calls at once.' }])
  })

  test('when it closes the pipe', async () => {
    const { caller, back } = pair({})
    back.end()
    expect(await caller.over).toEqual([undefined])
  })

  test('not when it answers what nobody asked', async () => {
    const { caller, back } = pair({ echo: async (content) => content })
    for (const content of [{ kind: 'result', id: 99 }, { kind: 'cancel', id: 5 }, { kind: 'beat' }, null])
      for (const piece of writeMessage('value', content)) back.write(piece)
    expect(await caller.peer.call('echo', 'still there')).toBe('still there')
  })
})
