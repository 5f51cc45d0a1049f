import { Fields } from './fields.js'

/** How a checkpoint would have tokens chosen; names and ranges as in `SamplingOptions`. */
export interface CheckpointSampling {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly repetitionPenalty: number
}

/** What the fields mean where the file leaves them out, in the library that writes it. */
const DEFAULTS = { temperature: 1, topK: 50, topP: 1, minP: 0, repetitionPenalty: 1 }

/**
 * Reads `do_sample`, `temperature`, `top_k`, `top_p`, `min_p` and `repetition_penalty` of `generation_config.json`.
 * Without `do_sample` the temperature is 0, whatever the file says of it.
 *
 * @throws {CheckpointError} `CHECKPOINT_INVALID`, naming the field.
 */
export function readSampling(generation: Readonly<Record<string, unknown>>): CheckpointSampling {
  const fields = new Fields(generation, 'generation_config.json')
  const samples = fields.boolean('do_sample', false)
  const number = (name: string, fallback: number, min: number, max: number): number =>
    fields.number(name, { default: fallback, min, max })
  const temperature = number('temperature', DEFAULTS.temperature, 0, 100)
  return {
    temperature: samples ? temperature : 0,
    topK: fields.integer('top_k', { default: DEFAULTS.topK, min: 0, max: 1 << 24 }),
    topP: number('top_p', DEFAULTS.topP, Number.MIN_VALUE, 1),
    minP: number('min_p', DEFAULTS.minP, 0, 1),
    repetitionPenalty: number('repetition_penalty', DEFAULTS.repetitionPenalty, Number.MIN_VALUE, 100),
  }
}
