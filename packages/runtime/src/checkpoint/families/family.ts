import type { ModelSpec } from '@longtake/core'
import type {
  DecoderConfig,
  DecoderNames,
  ImageProcessing,
  ProjectorConfig,
  TensorSource,
  VisionConfig,
} from '@longtake/kernels'
import type { TensorInventory } from '../tensors.js'

/** JSON files of a checkpoint folder that families read; undefined where the folder has none. */
export interface CheckpointJson {
  readonly config: Readonly<Record<string, unknown>>
  readonly preprocessor: Readonly<Record<string, unknown>> | undefined
  readonly videoPreprocessor: Readonly<Record<string, unknown>> | undefined
  readonly generation: Readonly<Record<string, unknown>> | undefined
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
}

/** Everything that is read of a checkpoint's configs: what to plan with, what to build, how to speak to it. */
export interface FamilyModel {
  readonly spec: ModelSpec
  readonly vision: VisionConfig
  readonly projector: ProjectorConfig
  readonly decoder: DecoderConfig
  readonly image: ImageProcessing
  /** Token whose place the visual tokens take. */
  readonly placeholderId: number
  readonly eosTokenIds: readonly number[]
  /** The decoder layer whose attention weighs frames; undefined = the mean over all of them. */
  readonly evidenceLayer: number | undefined
  /** Prompt where the folder has no chat template; `{video}` and `{question}` are filled in. */
  readonly prompt: string
  /** Finds the layout of names that this checkpoint has. */
  names(source: TensorSource): TensorNames
  /** Tensors of that layout. */
  inventory(names: TensorNames): TensorInventory
}

/** One family of checkpoints. */
export interface Family {
  /** Name in messages and in `ModelSpec.family`. */
  readonly name: string
  /** Whether a config.json belongs to the family. */
  matches(config: Readonly<Record<string, unknown>>): boolean
  /** @throws {CheckpointError} Naming the field that is invalid or not supported. */
  read(json: CheckpointJson): FamilyModel
}
