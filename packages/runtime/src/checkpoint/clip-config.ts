import type { ClipTextConfig } from '@longtake/kernels'
import { Fields } from './fields.js'
import { HARMLESS_CLIP_TEXT } from './harmless.js'

const MAX_SIZE = 1 << 16
/** Width of one head in every published CLIP text tower. */
const HEAD_WIDTH = 64
/** The end token of CLIP's old configs, whatever the vocabulary is; it calls for the rule of that time. */
const HISTORIC_END = 2

/** What is read of a CLIP config for the text side. */
export interface ClipTextFacts {
  /** Positions are the tensors' own. */
  readonly text: Omit<ClipTextConfig, 'positions'>
  /** Epsilon of the norm that picture features go through. */
  readonly visualEpsilon: number
  readonly beginId: number | undefined
  readonly endId: number | undefined
  /** Whether a text is read at its first end token, or by CLIP's historic rule at its largest id. */
  readonly readAt: 'end' | 'largest'
}

/**
 * Reads `clip/config.json` in CLIP's layout; absent fields have the library's defaults, and heads are 64 wide.
 *
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readClipConfig(json: Readonly<Record<string, unknown>>): ClipTextFacts {
  const config = new Fields(json, 'clip/config.json')
  config.word('model_type', ['clip'], 'clip')
  const projectionSize = config.integer('projection_dim', { default: 512, min: 1, max: MAX_SIZE })
  const fields = config.object('text_config') ?? new Fields({}, 'clip/config.json: text_config')
  fields.word('model_type', ['clip_text_model'], 'clip_text_model')
  const hiddenSize = fields.integer('hidden_size', { default: 512, min: 1, max: MAX_SIZE })
  const visual = config.object('vision_config')
  const facts: ClipTextFacts = {
    text: {
      hiddenSize,
      layers: fields.integer('num_hidden_layers', { default: 12, min: 1, max: 1024 }),
      heads: readHeads(fields, hiddenSize),
      intermediateSize: fields.integer('intermediate_size', { default: 2048, min: 1, max: MAX_SIZE }),
      activation: fields.word('hidden_act', ['quick_gelu', 'gelu', 'gelu_pytorch_tanh'], 'quick_gelu'),
      layerNormEpsilon: readEpsilon(fields),
      vocabularySize: fields.integer('vocab_size', { default: 49_408, min: 1, max: MAX_SIZE * 64 }),
      projectionSize,
    },
    visualEpsilon: visual === undefined ? 1e-5 : readEpsilon(visual),
    ...readEnds(fields),
  }
  // The tensors say how many positions there are.
  fields.raw('max_position_embeddings')
  fields.finish(HARMLESS_CLIP_TEXT)
  return facts
}

function readHeads(text: Fields, hiddenSize: number): number {
  const fallback = Math.max(Math.floor(hiddenSize / HEAD_WIDTH), 1)
  const heads = text.integer('num_attention_heads', { default: fallback, min: 1, max: 1024 })
  if (hiddenSize % heads === 0) return heads
  throw text.invalid('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`)
}

function readEpsilon(fields: Fields): number {
  return fields.number('layer_norm_eps', { default: 1e-5, min: 1e-12, max: 1 })
}

function readEnds(text: Fields): Pick<ClipTextFacts, 'beginId' | 'endId' | 'readAt'> {
  const id = (name: string): number | undefined =>
    text.has(name) ? text.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }) : undefined
  const endId = id('eos_token_id')
  const readAt = endId === undefined || endId === HISTORIC_END ? 'largest' : 'end'
  return { beginId: id('bos_token_id'), endId, readAt }
}
