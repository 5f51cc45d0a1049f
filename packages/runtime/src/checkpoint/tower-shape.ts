import { CheckpointError } from '@longtake/core'
import type { TensorSource } from '@longtake/kernels'

/** Width of a head in every published CLIP tower. */
const HEAD_WIDTH = 64

/**
 * A tower's config where no file has one: sizes as its tensors show them; where tensors are silent, as LanguageBind's
 * published towers have it (`hidden_act` gelu, heads of 64, `layer_norm_eps` 1e-5).
 *
 * @param prefix - Where the tower's tensors are.
 * @throws {CheckpointError} `CHECKPOINT_TENSOR` if a tensor that shows a size is missing or has other dimensions;
 *   `CHECKPOINT_UNSUPPORTED` if the width is no multiple of a published head's.
 */
export function deriveTowerConfig(source: TensorSource, prefix: string): Record<string, unknown> {
  const shape = (name: string, dimensions: number): readonly number[] => {
    if (source.has(prefix + name)) {
      const found = source.info(prefix + name).shape
      if (found.length === dimensions) return found
    }
    throw new CheckpointError(
      'CHECKPOINT_TENSOR',
      `Tensor ${prefix}${name} must be there with ${dimensions} dimensions, or video_tower/config.json name the sizes.`,
    )
  }
  const [hiddenSize = 0] = shape('embeddings.class_embedding', 1)
  const patchSize = shape('embeddings.patch_embedding.weight', 4)[3] ?? 0
  const [positions = 0] = shape('embeddings.position_embedding.weight', 2)
  const [intermediateSize = 0] = shape('encoder.layers.0.mlp.fc1.weight', 2)
  if (hiddenSize % HEAD_WIDTH !== 0 || hiddenSize === 0) {
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `The video tower is ${hiddenSize} wide, so its heads are not known; put its config into video_tower/config.json.`,
    )
  }
  const temporal = 'encoder.layers.0.temporal_embedding'
  return {
    hidden_size: hiddenSize,
    num_attention_heads: hiddenSize / HEAD_WIDTH,
    num_hidden_layers: countLayers(source, `${prefix}encoder.layers.`),
    intermediate_size: intermediateSize,
    patch_size: patchSize,
    image_size: Math.sqrt(positions - 1) * patchSize,
    hidden_act: 'gelu',
    add_time_attn: source.has(prefix + temporal),
    ...(source.has(prefix + temporal) && { num_frames: shape(temporal, 3)[1] }),
  }
}

function countLayers(source: TensorSource, prefix: string): number {
  let layers = 0
  for (const name of source.names()) {
    if (!name.startsWith(prefix)) continue
    const index = Number.parseInt(name.slice(prefix.length), 10)
    if (index >= layers) layers = index + 1
  }
  return layers
}
