import { checkChoice, checkInteger, checkNumber } from './check.js'
import { InvalidOptionError } from './errors.js'
import { KV_CACHE_TYPES } from './kv-cache.js'
import { MAX_CONTEXT_TOKENS, MAX_FRAMES } from './limits.js'
import { POOLING_METHODS } from './pooling-request.js'
import { checkTriple } from './pooling-shape.js'
import type { ModelSpec } from './spec.js'

/** @throws {InvalidOptionError} If a field that plans are computed from is out of its range. */
export function checkSpec(spec: ModelSpec): void {
  const { decoder, context, defaults } = spec
  checkEncoder(spec.encoder)
  if (spec.remote !== undefined) checkInteger('spec.remote.sendFrames', spec.remote.sendFrames, 1, MAX_FRAMES)
  // Of a model that runs elsewhere these are not known.
  const least = spec.remote === undefined ? 1 : 0
  checkInteger('spec.decoder.layers', decoder.layers, least, 65_536)
  checkInteger('spec.decoder.kvHeads', decoder.kvHeads, least, 65_536)
  checkInteger('spec.context.trainedLength', context.trainedLength, 1, MAX_CONTEXT_TOKENS)
  checkInteger('spec.defaults.frames', defaults.frames, 1, MAX_FRAMES)
  checkInteger('spec.defaults.mostFrames', defaults.mostFrames, defaults.frames, MAX_FRAMES)
  checkChoice('spec.defaults.kvCache', defaults.kvCache, KV_CACHE_TYPES)
  checkChoice('spec.defaults.pooling', defaults.pooling, POOLING_METHODS)
  if (defaults.tokenBudget !== undefined) {
    checkInteger('spec.defaults.tokenBudget', defaults.tokenBudget, 1, MAX_CONTEXT_TOKENS)
  }
  for (const name of ['kernel', 'stride', 'imageKernel', 'imageStride'] as const) {
    checkTriple(`spec.pooling.${name}`, spec.pooling[name])
  }
  checkNumber('spec.pooling.temperature', spec.pooling.temperature, 'a number above 0', (value) => value > 0)
}

function checkEncoder(encoder: ModelSpec['encoder']): void {
  const { framesPerClip, tokensPerFrame, grid, classToken } = encoder
  checkInteger('spec.encoder.framesPerClip', framesPerClip, 1, MAX_FRAMES)
  if (encoder.mostFramesPerClip !== undefined) {
    checkInteger('spec.encoder.mostFramesPerClip', encoder.mostFramesPerClip, 1, MAX_FRAMES)
  }
  checkInteger('spec.encoder.trailingTokens', encoder.trailingTokens ?? 0, 0, MAX_CONTEXT_TOKENS)
  checkStills(encoder)
  const [, rows, columns] = checkTriple('spec.encoder.grid', [1, ...grid])
  checkInteger('spec.encoder.tokensPerFrame', tokensPerFrame, 1, MAX_CONTEXT_TOKENS)
  const tokens = rows * columns + (classToken ? 1 : 0)
  if (tokensPerFrame !== tokens) {
    throw new InvalidOptionError(
      'spec.encoder.tokensPerFrame',
      `${tokens}, by grid and classToken`,
      tokensPerFrame,
    )
  }
}

function checkStills({ stills, imageSize, framesPerClip }: ModelSpec['encoder']): void {
  if (stills === undefined || stills.resolutions.length === 0) return
  // A tile is a picture of its own; clips have no place for it.
  checkInteger('spec.encoder.framesPerClip', framesPerClip, 1, 1)
  const size = checkInteger('spec.encoder.imageSize', imageSize, 1, MAX_CONTEXT_TOKENS)
  for (const [at, resolution] of stills.resolutions.entries()) {
    const name = `spec.encoder.stills.resolutions[${at}]`
    const tiles = resolution.map((edge) =>
      checkInteger(name, typeof edge === 'number' ? edge / size : edge, 1, MAX_FRAMES),
    )
    checkInteger(name, tiles.length === 2 ? tiles[0]! * tiles[1]! : Number.NaN, 1, MAX_FRAMES - 1)
  }
}
