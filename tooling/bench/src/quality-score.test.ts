import { expect, test } from 'vitest'
import type { Arm, ArmGroup } from './quality-arms.js'
import { mapPool } from './quality-run.js'
import { scoreArms } from './quality-score.js'

const arm = (frames: number, rope: Arm['rope']): Arm => ({ frames, layout: 'interleaved', rope, kv: 'fp32' })
const [short, shortToo, long] = [arm(8, 'ntk'), arm(8, 'none'), arm(32, 'ntk')]
const both: ArmGroup = { arms: [short, shortToo], run: short }
const alone: ArmGroup = { arms: [long], run: long }
const mark = (kind: string, isRight: boolean) => ({ kind, isRight })

test('adds up over videos, by kind and by family', () => {
  const scores = scoreArms(
    [short, shortToo, long],
    [
      [
        { group: both, marks: [mark('drift', true), mark('number', false)] },
        { group: alone, marks: [mark('drift', true), mark('number', true)] },
      ],
      [
        { group: both, marks: [mark('size', false), mark('number', true)] },
        { group: alone, marks: [mark('size', true), mark('number', true)] },
      ],
    ],
  )
  const [first, second, third] = scores
  expect(first).toMatchObject({
    ...short,
    accuracy: 0.5,
    questions: 4,
    kinds: { drift: 1, number: 0.5, size: 0 },
    families: { slow: 0.5 },
  })
  expect(first).not.toHaveProperty('sameAs')
  expect(second).toMatchObject({ ...shortToo, accuracy: 0.5, sameAs: short })
  expect(third).toMatchObject({ accuracy: 1, questions: 4, families: { slow: 1 } })
  expect(third?.margin95).toBeGreaterThan(0)
})

test('families without questions are left out', () => {
  const [score] = scoreArms([long], [[{ group: alone, marks: [mark('number', true)] }]])
  expect(score?.families).toEqual({})
})

test('a pool keeps the order and its width', async () => {
  let running = 0
  let most = 0
  const results = await mapPool([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, item))
    running--
    return item * 10
  })
  expect(results).toEqual([50, 10, 40, 20, 30])
  expect(most).toBe(2)
})

test('a pool fails with its first failure', async () => {
  const failing = mapPool([1, 2, 3], 2, async (item) => {
    if (item === 2) throw new RangeError('two')
    return item
  })
  await expect(failing).rejects.toThrow('two')
})
