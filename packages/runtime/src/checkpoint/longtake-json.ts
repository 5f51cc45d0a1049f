import {
  KV_CACHE_TYPES,
  type KvCacheType,
  MAX_CONTEXT_TOKENS,
  MAX_FRAMES,
  POOLING_METHODS,
  type PoolingMethod,
  ROPE_TYPES,
  type RopeType,
  type Triple,
} from '@longtake/core'
import { Fields } from './fields.js'
import { readTemperature, readTriple } from './pooling-config.js'

/** What `longtake.json` may add to a published config. */
export interface LongtakeFacts {
  /** Longest context that training really used, tokens. */
  readonly trainedLength?: number | undefined
  readonly frames?: number | undefined
  /** Most frames that `frames: 'auto'` may choose. */
  readonly mostFrames?: number | undefined
  readonly ropeType?: RopeType | undefined
  readonly kvCache?: KvCacheType | undefined
  /** The layer whose attention shows best what an answer rests on, from 0. */
  readonly evidenceLayer?: number | undefined
  readonly pooling?: PoolingMethod | undefined
  /** Most visual tokens to pool to. */
  readonly tokenBudget?: number | undefined
  /** Window for videos, and its step. */
  readonly kernel?: Triple | undefined
  /** Window for still images, and its step. */
  readonly imageKernel?: Triple | undefined
  readonly temperature?: number | undefined
}

/**
 * Reads `longtake.json`: `trained_length`, `default_frames`, `most_frames`, `default_rope`, `default_kv_cache`,
 * `evidence_layer`, `default_pooling`, `default_token_budget`, `pooling_kernel`, `image_pooling_kernel`,
 * `pooling_temperature`; all optional.
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
  const tokens = { min: 1, max: MAX_CONTEXT_TOKENS }
  const frames = { min: 1, max: MAX_FRAMES }
  const given = <T>(name: string, read: (name: string) => T): T | undefined =>
    fields.has(name) ? read(name) : undefined
  const facts: LongtakeFacts = {
    trainedLength: given('trained_length', (name) => fields.integer(name, tokens)),
    frames: given('default_frames', (name) => fields.integer(name, frames)),
    mostFrames: given('most_frames', (name) => fields.integer(name, frames)),
    ropeType: given('default_rope', (name) => fields.word(name, ROPE_TYPES, 'none')),
    kvCache: given('default_kv_cache', (name) => fields.word(name, KV_CACHE_TYPES, 'fp32')),
    evidenceLayer: given('evidence_layer', (name) => fields.integer(name, { min: 0, max: layers - 1 })),
    pooling: given('default_pooling', (name) => fields.word(name, POOLING_METHODS, 'none')),
    tokenBudget: given('default_token_budget', (name) => fields.integer(name, tokens)),
    kernel: given('pooling_kernel', (name) => readTriple(fields, name, [1, 1, 1])),
    imageKernel: given('image_pooling_kernel', (name) => readTriple(fields, name, [1, 1, 1])),
    temperature: given('pooling_temperature', (name) => readTemperature(fields, name)),
  }
  fields.finish(new Set(['description']))
  return facts
}
