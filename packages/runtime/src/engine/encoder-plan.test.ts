import { type ModelSpec, planVideo } from '@longtake/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakLines, encoderPlan, packTokens } from './encoder-plan.js'

const BREAK = -1

function specOf(side: number, classToken: boolean, tiles: readonly (readonly [number, number])[]): ModelSpec {
  return {
    family: 'llava_next',
    encoder: {
      ...{ framesPerClip: 1, imageSize: side, grid: [side, side], classToken },
      tokensPerFrame: side * side + (classToken ? 1 : 0),
      stills: { resolutions: tiles.map(([rows, columns]) => [rows * side, columns * side] as const) },
    },
    decoder: { layers: 1, kvHeads: 1, headDim: 2, hiddenSize: 2, vocabularySize: 9 },
    rope: { theta: 1e4, scaling: { type: 'none' } },
    context: { trainedLength: 4096, nominalLength: 4096 },
    pooling: {
      ...{ guided: false, temperature: 1, kernel: [1, 1, 1], stride: [1, 1, 1] },
      ...{ imageKernel: [1, 1, 1], imageStride: [1, 1, 1] },
    },
    defaults: {
      ...{
        frames: 8,
        ropeType: 'none',
        kvCache: 'fp32',
        pooling: 'none',
        tokenBudget: undefined,
        mostFrames: 8,
      },
    },
  }
}

const tiles = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })), {
  ...{ minLength: 1, maxLength: 4 },
})
const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 })), {
  ...{ minLength: 1, maxLength: 3 },
})

test('the runtime fills exactly the rows that the plan counts, in the order of the picture', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      tiles,
      sizes,
      (side, classToken, some, pictures) => {
        const spec = specOf(side, classToken, some)
        const [height, width] = pictures[0]!
        const facts = { startSeconds: 0, durationSeconds: 0, width, height, codec: 'png' }
        const plan = planVideo(spec, { ...facts, stills: pictures.length, stillSizes: pictures })
        const { frames, crops } = encoderPlan(plan)
        const { tokensPerFrame } = spec.encoder
        const visual = new Float32Array(plan.visualTokens * 2).fill(Number.NaN)
        const packer = packTokens(spec, plan, visual)
        for (let frame = 0; frame < frames; frame++) {
          // Each token tells where it comes from, twice.
          const tokens = Float32Array.from({ length: tokensPerFrame * 2 }, (_, at) => {
            return frame * tokensPerFrame + Math.floor(at / 2)
          })
          packer.put(frame, tokens)
        }
        breakLines(spec, plan, Float32Array.of(BREAK, BREAK), visual)
        const expected: number[] = []
        for (const [still, { tiles: grid, offset, patches }] of plan.crops!.entries()) {
          const first = crops!.findIndex((crop) => crop.still === still) * tokensPerFrame
          for (let token = 0; token < tokensPerFrame; token++) expected.push(first + token)
          for (let row = offset[0]; row < offset[0] + patches[0]; row++) {
            for (let column = offset[1]; column < offset[1] + patches[1]; column++) {
              const tile = Math.floor(row / side) * grid[1] + Math.floor(column / side)
              const inside = (row % side) * side + (column % side) + (classToken ? 1 : 0)
              expected.push(first + (1 + tile) * tokensPerFrame + inside)
            }
            expected.push(BREAK)
          }
        }
        expect(Array.from(visual)).toEqual(expected.flatMap((value) => [value, value]))
      },
    ),
  )
})
