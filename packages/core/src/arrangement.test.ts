import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrangeClips, InvalidOptionError } from './index.js'

const sizes = fc.record({ perClip: fc.integer({ min: 1, max: 40 }), clips: fc.integer({ min: 1, max: 100 }) })
const layouts = fc.constantFrom('interleaved' as const, 'contiguous' as const, 'unordered' as const)
const ascending = (length: number) => Array.from({ length }, (_, index) => index)

test('strided clips of the paper: 16 frames for an encoder of 8', () => {
  const { clips, order } = arrangeClips(16, 8, 'interleaved')
  expect(clips).toEqual([
    [0, 2, 4, 6, 8, 10, 12, 14],
    [1, 3, 5, 7, 9, 11, 13, 15],
  ])
  expect(order).toEqual([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])
})

test('contiguous clips are in time order already, unordered ones stay as they are', () => {
  expect(arrangeClips(6, 3, 'contiguous')).toEqual({
    clips: [
      [0, 1, 2],
      [3, 4, 5],
    ],
    order: [0, 1, 2, 3, 4, 5],
  })
  expect(arrangeClips(6, 3, 'unordered')).toEqual({
    clips: [
      [0, 2, 4],
      [1, 3, 5],
    ],
    order: [0, 1, 2, 3, 4, 5],
  })
})

test('clips hold every frame once, and the order is a permutation', () => {
  fc.assert(
    fc.property(sizes, layouts, ({ perClip, clips: count }, layout) => {
      const { clips, order } = arrangeClips(perClip * count, perClip, layout)
      expect(clips).toHaveLength(count)
      for (const clip of clips) expect(clip).toHaveLength(perClip)
      const all = ascending(perClip * count)
      expect(clips.flat().sort((a, b) => a - b)).toEqual(all)
      expect([...order].sort((a, b) => a - b)).toEqual(all)
    }),
  )
})

test('the order undoes the rearrangement: tokens come back in time order', () => {
  fc.assert(
    fc.property(sizes, fc.constantFrom('interleaved' as const, 'contiguous' as const), (size, layout) => {
      const frames = size.perClip * size.clips
      const { clips, order } = arrangeClips(frames, size.perClip, layout)
      const encoded = clips.flat()
      expect(order.map((index) => encoded[index])).toEqual(ascending(frames))
    }),
  )
})

test('every interleaved clip spans the video: its slot i lies in the i-th of N equal parts', () => {
  fc.assert(
    fc.property(sizes, ({ perClip, clips: count }) => {
      for (const clip of arrangeClips(perClip * count, perClip, 'interleaved').clips) {
        clip.forEach((frame, slot) => {
          expect(Math.floor(frame / count)).toBe(slot)
        })
        expect(clip.slice(1).every((frame, index) => frame - clip[index]! === count)).toBe(true)
      }
    }),
  )
})

test('an encoder of single frames gets them in order, whatever the layout', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), layouts, (frames, layout) => {
      const { clips, order } = arrangeClips(frames, 1, layout)
      expect(clips).toEqual(ascending(frames).map((frame) => [frame]))
      expect(order).toEqual(ascending(frames))
    }),
  )
})

test('refuses frames that fill no whole clip, and senseless numbers', () => {
  expect(() => arrangeClips(9, 8, 'interleaved')).toThrow('multiple of the encoder')
  expect(() => arrangeClips(0, 8, 'interleaved')).toThrow(InvalidOptionError)
  expect(() => arrangeClips(8, 0, 'interleaved')).toThrow(InvalidOptionError)
  expect(() => arrangeClips(Number.NaN, 8, 'interleaved')).toThrow(InvalidOptionError)
  expect(() => arrangeClips(8, 8, 'shuffled' as never)).toThrow('one of interleaved, contiguous, unordered')
})
