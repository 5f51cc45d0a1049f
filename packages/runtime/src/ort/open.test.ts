import koffi from 'koffi'
import { expect, test } from 'vitest'
import { findLibrary } from './library.js'
import { openBackend } from './open.js'
import { addGraph } from './testing/graphs.js'

// As in a program that used koffi first, so that its stacks can no longer be made large enough for us.
koffi.load(findLibrary())

test('auto falls back to the portable back end, says why, and works', async () => {
  const backend = await openBackend()
  expect(backend.name).toBe('portable')
  expect(backend.reason).toMatch(/ONNX Runtime cannot be loaded from .*async_stack_size/)
  const session = await backend.session(addGraph())
  const value = backend.tensor('float32', [2], Float32Array.of(1, 2))
  expect((await session.run({ left: value, right: value })).sum?.data).toEqual(Float32Array.of(2, 4))
  await backend.close()
})

test('a back end asked for by name is never replaced by the other', async () => {
  await expect(openBackend('resident')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
  const portable = await openBackend('portable')
  expect(portable.reason).toBeUndefined()
  await portable.close()
})

test('an unknown name is refused', async () => {
  await expect(openBackend('gpu' as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
