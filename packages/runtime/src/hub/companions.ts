import { HubError } from '@longtake/core'
import { type ChosenFile, chosen } from './choose.js'
import { type HubModel, parseModelId } from './model-id.js'
import type { HubRepository } from './repository.js'

/** What of another model is needed beside one that names it in its config. */
interface Companion {
  /** Field of config.json that names the model. */
  readonly field: string
  /** Folder that the files go to, and that the model itself may have. */
  readonly folder: string
  readonly files: readonly string[]
  /** Whether loading needs it. */
  readonly isRequired: boolean
}

const COMPANIONS: readonly Companion[] = [
  // What its tensors do not say of the original Video-LLaVA's tower; without it published values are taken.
  { field: 'mm_video_tower', folder: 'video_tower', files: ['config.json'], isRequired: false },
  {
    field: 'clip_weight',
    folder: 'clip',
    files: ['config.json', 'tokenizer.json', 'tokenizer_config.json'],
    isRequired: true,
  },
]

/**
 * The files that a model needs of others: a tower's config, and config and tokenizer of a text guide. They go to the
 * subfolders where loading looks for them. What the model has itself, or names by something else than a hub's id, is not
 * looked for.
 *
 * @param open - Asks the hub for another model's files.
 * @throws {HubError} If a model that is needed cannot be had.
 */
export async function chooseCompanions(
  repository: HubRepository,
  open: (model: HubModel) => Promise<HubRepository>,
): Promise<ChosenFile[]> {
  const config = (await repository.json('config.json')) ?? {}
  const found: ChosenFile[] = []
  for (const { field, folder, files, isRequired } of COMPANIONS) {
    const id = config[field]
    const model = typeof id === 'string' ? parseModelId(id) : undefined
    if (model === undefined || repository.has(`${folder}/config.json`)) continue
    try {
      const other = await open(model)
      found.push(
        ...files.filter((name) => other.has(name)).map((name) => chosen(other, name, `${folder}/${name}`)),
      )
    } catch (error) {
      const isAway =
        error instanceof HubError && (error.code === 'HUB_NOT_FOUND' || error.code === 'HUB_DENIED')
      if (isRequired || !isAway) throw error
    }
  }
  return found
}
