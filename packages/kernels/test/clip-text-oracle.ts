// biome-ignore-all lint/style/noNonNullAssertion: reads of arrays whose length is known here
import type { ClipTextConfig, ClipTextNames } from '../src/index.js'
import { addRows, linear, type Rows, rowsOf, unitRows } from './oracle.js'
import { blockShapes, type Get, normRows, normShapes, spatialBlock, type Tensors } from './vision-oracle.js'

export const TEXT_NAMES: ClipTextNames = {
  model: 'multi_modal_projector.clip_text_model.',
  projection: 'multi_modal_projector.clip_text_projection.weight',
}

/** Names and shapes of a text tower's tensors, with an ordinary position table of `rows`. */
export function clipTextShapes(config: ClipTextConfig, rows: number): Record<string, number[]> {
  const { hiddenSize: width, intermediateSize: inner, vocabularySize, projectionSize } = config
  const { model, projection } = TEXT_NAMES
  const shapes: Record<string, number[]> = {
    [projection]: [projectionSize, width],
    [`${model}embeddings.token_embedding.weight`]: [vocabularySize, width],
    [`${model}embeddings.position_embedding.weight`]: [rows, width],
    ...normShapes(width, `${model}final_layer_norm`),
  }
  for (let layer = 0; layer < config.layers; layer++) {
    Object.assign(shapes, blockShapes(width, inner, `${model}encoder.layers.${layer}.`))
  }
  return shapes
}

/** Embedding of one text that ends with its last id: nothing after it exists here, so nothing can be seen. */
export function clipTextOracle(
  config: ClipTextConfig,
  tensors: Tensors,
  positions: Rows,
  ids: readonly number[],
): number[] {
  const get: Get = (name) => tensors.get(TEXT_NAMES.model + name)!.data
  const table = rowsOf(get('embeddings.token_embedding.weight'), config.hiddenSize)
  let stream = addRows(
    ids.map((id) => table[id]!),
    positions,
  )
  for (let layer = 0; layer < config.layers; layer++) {
    const names = `encoder.layers.${layer}.`
    stream = spatialBlock(config, get, names, stream, (query, key) => key <= query)
  }
  const last = normRows(config, get, 'final_layer_norm', [stream.at(-1)!])
  return unitRows(linear(last, tensors.get(TEXT_NAMES.projection)!.data))[0]!
}
