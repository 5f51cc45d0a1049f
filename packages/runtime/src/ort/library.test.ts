import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { findLibrary } from './library.js'
import { openBackend } from './open.js'
import { defaultThreads } from './threads.js'

describe('findLibrary', () => {
  test.each([
    ['linux', 'x64', /libonnxruntime\.so\.1$/],
    ['linux', 'arm64', /libonnxruntime\.so\.1$/],
    ['darwin', 'arm64', /libonnxruntime\.1\.dylib$/],
    ['win32', 'x64', /onnxruntime\.dll$/],
    ['win32', 'arm64', /onnxruntime\.dll$/],
  ])('finds the library of %s on %s in the installed package', (platform, arch, name) => {
    const path = findLibrary(platform, arch)
    expect(path).toMatch(name)
    expect(existsSync(path)).toBe(true)
  })

  test.each([
    ['darwin', 'x64'],
    ['freebsd', 'x64'],
  ])('says so where there is none: %s on %s', (platform, arch) => {
    expect(() => findLibrary(platform, arch)).toThrow(/has no library for/)
  })
})

test('auto takes the resident back end where it can', async () => {
  const backend = await openBackend()
  expect(backend).toMatchObject({ name: 'resident' })
  expect(backend.reason).toBeUndefined()
  await backend.close()
})

test('threads default to no more than the machine has', () => {
  expect(defaultThreads()).toBeGreaterThanOrEqual(1)
  expect(defaultThreads()).toBeLessThanOrEqual(availableParallelism())
})
