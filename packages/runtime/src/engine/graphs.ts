import type { KvCacheType } from '@longtake/core'
import {
  buildAlignment,
  buildClipText,
  buildDecoder,
  buildProjector,
  buildVisionEncoder,
  type GraphModel,
  type WeightType,
} from '@longtake/kernels'
import type { GuideModel } from '../checkpoint/families/family.js'
import type { Checkpoint } from '../checkpoint/read-checkpoint.js'

/** What a decoder session is asked for; each combination is its own graph, built when it is first needed. */
export interface DecoderKind {
  readonly kv: KvCacheType
  readonly logits: 'last' | 'all'
  /** Whether attention probabilities are results too. */
  readonly attention: boolean
}

/** Every graph that takes weights, one of each; decoders of other kinds take the same. */
export async function graphsWithWeights(checkpoint: Checkpoint, weights: WeightType): Promise<GraphModel[]> {
  const { guide } = checkpoint.model
  const graphs = [visionGraph(checkpoint, weights), projectorGraph(checkpoint, weights)]
  if (guide)
    graphs.push(alignmentGraph(checkpoint, guide, weights), guideTextGraph(checkpoint, guide, weights))
  graphs.push(decoderGraph(checkpoint, weights, { kv: 'fp32', logits: 'last', attention: false }))
  return Promise.all(graphs)
}

export function visionGraph({ source, model, names }: Checkpoint, weights: WeightType): Promise<GraphModel> {
  return buildVisionEncoder(model.vision, source, names.vision, { weights })
}

export function projectorGraph(
  { source, model, names }: Checkpoint,
  weights: WeightType,
): Promise<GraphModel> {
  return buildProjector(model.projector, source, names.projector, { weights })
}

export function decoderGraph(
  { source, model, names }: Checkpoint,
  weights: WeightType,
  kind: DecoderKind,
): Promise<GraphModel> {
  return buildDecoder(model.decoder, source, names.decoder, { ...kind, weights })
}

/** Compares what the encoder sees with texts: Dv to A. */
export function alignmentGraph(
  { source }: Checkpoint,
  { alignment, names }: GuideModel,
  weights: WeightType,
): Promise<GraphModel> {
  return buildAlignment(alignment, source, names.alignment, { weights })
}

export function guideTextGraph(
  { source }: Checkpoint,
  { text, names }: GuideModel,
  weights: WeightType,
): Promise<GraphModel> {
  return buildClipText(text, source, names.text, { weights })
}
