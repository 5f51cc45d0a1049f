import { Fields, isObject } from './fields.js'
import { readLlamaConfig, type TextFacts } from './text-config.js'

/** Mistral's class says where a file is silent; what is missing here is as Llama's. */
const DEFAULTS = {
  intermediate_size: 14_336,
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
  sliding_window: 4096,
}

/**
 * Reads a Mistral text config: a Llama with other defaults, whose attention may be limited to a window. Windows that a
 * context of the config's own length would reach are refused; `null`, as published checkpoints say, is none.
 *
 * @param json - The text config.
 * @param tiedAbove - `tie_word_embeddings` of the enclosing config, for when the text config is silent.
 * @throws {CheckpointError} `CHECKPOINT_INVALID` or `CHECKPOINT_UNSUPPORTED`, naming the field.
 */
export function readMistralConfig(json: unknown, tiedAbove: boolean): TextFacts {
  const given = isObject(json) ? json : {}
  const { sliding_window, ...config }: Record<string, unknown> = {
    ...DEFAULTS,
    ...given,
    model_type: 'llama',
  }
  const where = 'config.json: text_config'
  const facts = readLlamaConfig(new Fields(config, where), tiedAbove)
  if (sliding_window === null) return facts
  const window = new Fields({ sliding_window }, where)
  if (window.integer('sliding_window', { min: 1 }) >= facts.nominalLength) return facts
  throw window.unsupported('sliding_window', 'null, or at least max_position_embeddings; absent means 4096')
}
