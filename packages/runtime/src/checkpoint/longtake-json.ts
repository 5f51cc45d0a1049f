import { type KvCacheType, MAX_CONTEXT_TOKENS, MAX_FRAMES, type RopeType } from '@longtake/core'
import { Fields } from './fields.js'

/** What `longtake.json` may add to a published config. */
export interface LongtakeFacts {
  /** Longest context that training really used, tokens. */
  readonly trainedLength?: number
  readonly frames?: number
  readonly ropeType?: RopeType
  readonly kvCache?: KvCacheType
  /** The layer whose attention shows best what an answer rests on, from 0. */
  readonly evidenceLayer?: number
}

/**
 * Reads `longtake.json`: `trained_length`, `default_frames`, `default_rope`, `default_kv_cache`, `evidence_layer`; all
 * optional.
 *
 * @param layers - Layers of the decoder.
 * @throws {CheckpointError} Naming the field that is invalid or not known.
 */
export function readLongtakeJson(
  json: Readonly<Record<string, unknown>> | undefined,
  layers: number,
): LongtakeFacts {
  if (json === undefined) return {}
  const fields = new Fields(json, 'longtake.json')
  const ropes = ['none', 'linear', 'ntk', 'dynamic', 'yarn', 'llama3'] as const
  const length = { min: 1, max: MAX_CONTEXT_TOKENS }
  const facts: LongtakeFacts = {
    ...(fields.has('trained_length') ? { trainedLength: fields.integer('trained_length', length) } : {}),
    ...(fields.has('default_frames')
      ? { frames: fields.integer('default_frames', { min: 1, max: MAX_FRAMES }) }
      : {}),
    ...(fields.has('default_rope') ? { ropeType: fields.word('default_rope', ropes, 'none') } : {}),
    ...(fields.has('default_kv_cache')
      ? { kvCache: fields.word('default_kv_cache', ['fp32', 'int8', 'int4'], 'fp32') }
      : {}),
    ...(fields.has('evidence_layer')
      ? { evidenceLayer: fields.integer('evidence_layer', { min: 0, max: layers - 1 }) }
      : {}),
  }
  fields.finish(new Set(['description']))
  return facts
}
