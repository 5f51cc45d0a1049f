import { CheckpointError } from '@longtake/core'
import type { ClipTextConfig } from '../config.js'
import type { Value } from '../onnx/graph-builder.js'
import type { WeightLoader } from '../onnx/weights.js'
import type { TensorSource } from '../tensor-source.js'
import { stretchedLength, stretchPositions } from './stretch-positions.js'

/** Rows of an extended table that come from `position_embedding`; the rest come from `position_embedding_res`. */
const KEPT_ROWS = 20

/**
 * The text tower's positions [positions, D]: an extended pair of tables if the checkpoint has one, else its ordinary
 * table, stretched where the config asks for more rows than that has.
 *
 * @param names - Before `position_embedding`, with its final dot.
 * @throws {CheckpointError} CHECKPOINT_TENSOR if there is no table, or none that gives that many rows.
 */
export async function loadPositions(
  loader: WeightLoader,
  source: TensorSource,
  names: string,
  { positions, hiddenSize: width }: ClipTextConfig,
): Promise<Value> {
  const name = `${names}position_embedding`
  const table = source.has(name)
    ? await extendedTable(loader, name, [positions, width])
    : await ordinaryTable(loader, source, `${name}.weight`, [positions, width])
  return loader.graph.floats(`${name}:rows`, [positions, width], table)
}

async function extendedTable(
  loader: WeightLoader,
  name: string,
  shape: readonly [number, number],
): Promise<Float32Array> {
  const table = Float32Array.from(await loader.read(`${name}_res`, shape))
  const first = await loader.read(name, shape)
  const [positions, width] = shape
  table.set(first.subarray(0, Math.min(KEPT_ROWS, positions) * width))
  return table
}

async function ordinaryTable(
  loader: WeightLoader,
  source: TensorSource,
  name: string,
  [positions, width]: readonly [number, number],
): Promise<Float32Array> {
  const rows = source.info(name).shape[0] ?? 0
  if (rows >= positions || rows < KEPT_ROWS) return loader.read(name, [positions, width])
  if (stretchedLength(rows) !== positions) {
    const message = `${name}: ${rows} rows stretch to ${stretchedLength(rows)} positions, the config asks for ${positions}.`
    throw new CheckpointError('CHECKPOINT_TENSOR', message)
  }
  return stretchPositions(await loader.read(name, [rows, width]), rows, width)
}
