import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readNpy } from '../npy.js'
import { drawScene, type Scene } from './drawing.js'
import { drawLook, drawSlowChange } from './look.js'
import { Random } from './random.js'
import { TRENDS } from './world.js'

const DATA = new URL('../../../../tests/data/world/', import.meta.url)

test('draws what the recipe of the checkpoint draws', () => {
  const { size, scenes }: { size: number; scenes: readonly Scene[] } = JSON.parse(
    readFileSync(new URL('scenes.json', DATA), 'utf8'),
  )
  const { data } = readNpy(readFileSync(new URL('pictures.npy', DATA)), 'pictures.npy')
  const length = size * size * 3
  expect(data.length).toBe(scenes.length * length)
  for (const [index, scene] of scenes.entries()) {
    const picture = drawScene(scene, size)
    const expected = data.slice(index * length, (index + 1) * length)
    // A value on the edge between two bytes may round either way: float32 there, float64 here.
    const differences = Array.from(picture, (value, at) => Math.abs(value - Number(expected[at])))
    expect(Math.max(...differences)).toBeLessThanOrEqual(1)
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(length * 0.01)
  }
})

test('looks and slow change follow from the key alone, and stay in the picture', () => {
  expect(drawLook(new Random('a'))).toEqual(drawLook(new Random('a')))
  expect(drawLook(new Random('a'))).not.toEqual(drawLook(new Random('b')))
  for (const trend of TRENDS) {
    const { gain, dot, bar } = drawSlowChange(trend, new Random(trend))
    for (const value of [...dot, ...bar]) expect(value >= 0.2 && value <= 0.8).toBe(true)
    for (const value of gain) expect(value >= 0.52 && value <= 0.98).toBe(true)
    expect(gain[1] > gain[0]).toBe(trend === 'brighter')
    expect(gain[1] < gain[0]).toBe(trend === 'darker')
    expect(dot[1] < dot[0]).toBe(trend === 'left')
    expect(bar[1] > bar[0]).toBe(trend === 'longer')
  }
})

test('random numbers are spread evenly', () => {
  const random = new Random('even')
  const numbers = Array.from({ length: 10_000 }, () => random.next())
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length / numbers.length
    expect(share).toBeGreaterThan(0.08)
    expect(share).toBeLessThan(0.12)
  }
  expect(random.shuffled([1, 2, 3, 4, 5]).sort()).toEqual([1, 2, 3, 4, 5])
})
