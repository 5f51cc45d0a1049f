import { arrangeClips } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupClips } from './groups.js'

test('every clip is in one group, in order, and groups are as large as they may be', () => {
  const layout = fc.constantFrom('interleaved', 'contiguous', 'unordered')
  const count = fc.integer({ min: 1, max: 30 })
  fc.assert(
    fc.property(
      layout,
      count,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 80 }),
      (kind, m, n, most) => {
        const { clips } = arrangeClips(m * n, n, kind as 'interleaved')
        const groups = groupClips(clips, most)
        expect(groups.flatMap(({ firstClip, endClip }) => clips.slice(firstClip, endClip))).toEqual(clips)
        for (const { firstClip, endClip, frames } of groups) {
          expect(frames).toEqual(
            clips
              .slice(firstClip, endClip)
              .flat()
              .toSorted((a, b) => a - b),
          )
          if (endClip - firstClip > 1) expect(frames.length).toBeLessThanOrEqual(most)
          if (endClip < clips.length) expect(frames.length + n).toBeGreaterThan(most)
        }
      },
    ),
  )
})

test('a group of interleaved clips is one run of neighbours for each slot', () => {
  const { clips } = arrangeClips(24, 3, 'interleaved')
  expect(groupClips(clips, 12)[1]?.frames).toEqual([4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23])
})

test('clips of any length are taken whole', () => {
  expect(groupClips([[0, 1, 2], [3], [4, 5]], 2)).toEqual([
    { firstClip: 0, endClip: 1, frames: [0, 1, 2] },
    { firstClip: 1, endClip: 2, frames: [3] },
    { firstClip: 2, endClip: 3, frames: [4, 5] },
  ])
})
