import { describe, expect, test } from 'vitest'
import { type AnswerLoad, countOperations, type PoolingSizes, PUBLISHED_SIZES } from './pooling-operations.js'

/** Small enough to count by hand: 2 × 2 patches, one used encoder layer, one decoder layer. */
const SMALL: PoolingSizes = {
  vision: { width: 2, layers: 2, heads: 1, inner: 4, patchSize: 1, imageSize: 2 },
  text: { width: 2, layers: 1, heads: 1, inner: 4 },
  alignmentSize: 3,
  decoder: { width: 4, layers: 1, heads: 1, inner: 5, vocabularySize: 7 },
}

describe('operations', () => {
  test('are those of every product, counted one by one', () => {
    const load: AnswerLoad = { frames: 2, visualTokens: 2, textTokens: 1, newTokens: 3, guideTokens: 2 }
    const product = (rows: number, inner: number, columns: number): number => 2 * rows * inner * columns
    const bidirectional = (tokens: number, width: number, mlp: number): number =>
      4 * product(tokens, width, width) +
      product(tokens, width, mlp) +
      product(tokens, mlp, width) +
      product(tokens, width, tokens) +
      product(tokens, tokens, width)
    const causal = (held: number, tokens: number): number => {
      let sum = 4 * product(tokens, 4, 4) + 3 * product(tokens, 4, 5)
      for (let token = 1; token <= tokens; token++) sum += 2 * product(1, 4, held + token)
      return sum + product(1, 4, 7)
    }
    expect(countOperations(SMALL, load)).toEqual({
      encoder: 2 * (product(4, 3, 2) + bidirectional(5, 2, 4)),
      projector: 2 * (product(4, 2, 4) + product(4, 4, 4)),
      guide:
        bidirectional(2, 2, 4) + product(1, 2, 3) + product(8, 2, 3) + product(8, 3, 1) + product(8, 1, 4),
      prefill: causal(0, 3),
      decode: causal(3, 1) + causal(4, 1),
      total: expect.any(Number),
    })
  })

  test('add up, and cost nothing for a guide that is not there', () => {
    const load: AnswerLoad = { frames: 8, visualTokens: 4608, textTokens: 40, newTokens: 32 }
    const { total, guide, ...parts } = countOperations(PUBLISHED_SIZES, load)
    expect(guide).toBe(0)
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total)
  })

  test('of the published size are near twice its parameters a token', () => {
    // Vicuna-7B has 6.74 billion parameters, 0.26 billion of them in embeddings and head.
    const load: AnswerLoad = { frames: 1, visualTokens: 1, textTokens: 0, newTokens: 1 }
    expect(countOperations(PUBLISHED_SIZES, load).prefill / (2 * 6.61e9)).toBeCloseTo(1, 2)
    // CLIP ViT-L/14 at 336 pixels: 191 GMACs or so for all 24 layers, of which 23 are used.
    const encoder = countOperations(PUBLISHED_SIZES, load).encoder / 2e9
    expect(encoder).toBeGreaterThan(170)
    expect(encoder).toBeLessThan(191)
  })

  test('attention grows with the square of the context', () => {
    const prefill = (visualTokens: number): number =>
      countOperations(SMALL, { frames: 1, visualTokens, textTokens: 0, newTokens: 1 }).prefill
    const matrices = 2 * (4 * 16 + 3 * 20)
    const attention = (tokens: number): number => prefill(tokens) - tokens * matrices - 2 * 4 * 7
    expect(attention(2000) / attention(1000)).toBeCloseTo(4, 2)
  })
})
