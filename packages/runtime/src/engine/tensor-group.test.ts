import { expect, test } from 'vitest'
import { openResident } from '../ort/resident.js'
import { TensorGroup } from './tensor-group.js'

test('a tensor that cannot be made frees those before it', async () => {
  const backend = await openResident()
  try {
    const before = backend.liveHandles
    const group = new TensorGroup(backend)
    group.add('float32', [4, 4])
    group.add('int8', [3])
    expect(backend.liveHandles).not.toEqual(before)
    expect(() => group.add('float32', [-1])).toThrow(expect.objectContaining({ code: 'SHAPE' }))
    expect(backend.liveHandles).toEqual(before)
  } finally {
    await backend.close()
  }
})
