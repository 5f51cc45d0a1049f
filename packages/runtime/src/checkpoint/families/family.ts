import type { ModelSpec } from '@longtake/core'
import type {
  AlignmentConfig,
  AlignmentNames,
  ClipTextConfig,
  ClipTextNames,
  DecoderConfig,
  DecoderNames,
  GridResizeConfig,
  ImageProcessing,
  ProjectorConfig,
  TensorSource,
  VisionConfig,
} from '@longtake/kernels'
import type { PoolingFacts } from '../pooling-config.js'
import type { TensorInventory } from '../tensors.js'

/** JSON files of a checkpoint folder that families read; undefined where the folder has none. */
export interface CheckpointJson {
  readonly config: Readonly<Record<string, unknown>>
  readonly preprocessor: Readonly<Record<string, unknown>> | undefined
  readonly videoPreprocessor: Readonly<Record<string, unknown>> | undefined
  readonly generation: Readonly<Record<string, unknown>> | undefined
  /** `video_tower/config.json`: the tower's own config where the checkpoint's has none. */
  readonly videoTower: Readonly<Record<string, unknown>> | undefined
  /** What published configs do not say: `longtake.json` beside them. */
  readonly longtake: Readonly<Record<string, unknown>> | undefined
}

/** Where each part's tensors are in the checkpoint. */
export interface TensorNames {
  /** Prefix of the vision tower, such as `video_tower.vision_model.`. */
  readonly vision: string
  /** The projector's two layers. */
  readonly projector: readonly [string, string]
  readonly decoder: DecoderNames
  /** The line break [D] that follows visual tokens, or rows of them; undefined where nothing does. */
  readonly newline?: string
}

/** What the text guide of prompt-guided pooling is built of. */
export interface GuideModel {
  readonly text: ClipTextConfig
  readonly alignment: AlignmentConfig
  readonly names: { readonly text: ClipTextNames; readonly alignment: AlignmentNames }
  /** Name of the 0-dimensional tensor whose exponential scales cosines. */
  readonly logitScale: string
  /** Temperature of the softmax inside a window. */
  readonly temperature: number
}

/** What a family reads of a checkpoint's configs: what to plan with, what to build, how to speak to it. */
export interface FamilyParts {
  readonly spec: ModelSpec
  readonly vision: VisionConfig
  readonly projector: ProjectorConfig
  /** How every frame's projected tokens are made fewer, whatever is asked; undefined where they are not. */
  readonly resize?: GridResizeConfig
  readonly decoder: DecoderConfig
  readonly image: ImageProcessing
  /** What the config says of pooling; the guide is read by it. */
  readonly pooling: PoolingFacts
  /** Token whose place the visual tokens take. */
  readonly placeholderId: number
  /** Text of the placeholder where it is no token of the vocabulary; text after it is encoded by itself. */
  readonly placeholder?: string
  readonly eosTokenIds: readonly number[]
  /** The decoder layer whose attention weighs frames; undefined = the mean over all of them. */
  readonly evidenceLayer: number | undefined
  /** Prompt where the folder has no chat template; `{video}` and `{question}` are filled in. */
  readonly prompt: string
  /** Finds the layout of names that this checkpoint has. */
  names(source: TensorSource): TensorNames
  /** Tensors of that layout, without the guide's. */
  inventory(names: TensorNames): TensorInventory
}

/** Everything that is read of a checkpoint's configs. */
export interface FamilyModel extends FamilyParts {
  /** The text guide; undefined where the checkpoint has none. */
  readonly guide: GuideModel | undefined
}

/** One family of checkpoints. */
export interface Family {
  /** Name in messages and in `ModelSpec.family`. */
  readonly name: string
  /** Whether a config.json belongs to the family. */
  matches(config: Readonly<Record<string, unknown>>): boolean
  /**
   * @param guided - Whether the checkpoint has the tensors of a text guide.
   * @param source - For sizes that no config has; the tensors are checked afterwards.
   * @throws {CheckpointError} Naming the field that is invalid or not supported.
   */
  read(json: CheckpointJson, guided: boolean, source: TensorSource): FamilyParts
}
