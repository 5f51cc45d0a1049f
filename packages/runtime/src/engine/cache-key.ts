import { createHash } from 'node:crypto'
import type { VideoPlan } from '@longtake/core'
import { featureKey, type JsonValue } from '../features/index.js'
import { throwIfAborted } from '../ort/abort.js'
import { encoderPlan } from './encoder-plan.js'
import type { Models } from './models.js'

/** Changes when the same parts would give other features, or keep them in another way. */
const FORMAT = 1

/**
 * What decides a video's features: its content, what of the plan chooses and groups pictures, and the checkpoint.
 * The question, RoPE and the KV cache have no part in it, nor has the method of pooling beyond what is kept for it.
 */
export function cacheKey(content: readonly string[], checkpoint: string, plan: VideoPlan): string {
  const { sampling, pooling, crops } = plan
  const { timestamps, clips, order } = encoderPlan(plan)
  return featureKey({
    format: FORMAT,
    content,
    checkpoint,
    timestamps,
    sampling,
    clips,
    order,
    ...(crops && { crops: crops.map(({ resolution, resized }) => ({ resolution, resized })) }),
    kept: pooling === null ? 'all tokens' : pooling.method === 'guided' ? 'patches, aligned' : 'patches',
  })
}

/**
 * Tells checkpoints apart by what makes features: everything that was read of the configs, how matrices are stored,
 * and name, type, shape and every byte of the tensors of tower, projector and alignment. All bytes, because a sample
 * could miss what fine-tuning changed, and reading them costs a small part of encoding one video.
 *
 * @throws {CheckpointError} If a tensor cannot be read.
 * @throws {CancelledError} If the signal fires, within one tensor.
 */
export async function checkpointIdentity(models: Models, signal?: AbortSignal): Promise<string> {
  const { model, names, source } = models.checkpoint
  const hash = createHash('sha256')
  const { vision, projector, image, guide } = model
  const parts: JsonValue = JSON.parse(
    JSON.stringify({ vision, projector, image, alignment: guide?.alignment, weights: models.weights }),
  )
  hash.update(featureKey(parts))
  const alignment = guide && [`${guide.names.alignment.norm}.`, guide.names.alignment.projection]
  const prefixes = [names.vision, ...names.projector.map((layer) => `${layer}.`), ...(alignment ?? [])]
  const tensors = [...source.names()].filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
  for (const name of tensors.sort()) {
    throwIfAborted(signal)
    const { dtype, shape } = source.info(name)
    hash.update(JSON.stringify([name, dtype, shape]))
    hash.update(await source.readRaw(name))
  }
  return hash.digest('hex')
}
