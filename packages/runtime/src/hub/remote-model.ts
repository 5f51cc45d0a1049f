import type { CheckpointFiles, RangedFile, WeightFiles } from '../checkpoint/checkpoint-files.js'
import { type ChosenFile, chooseFiles } from './choose.js'
import { HubClient, type Patience } from './client.js'
import { chooseCompanions } from './companions.js'
import type { HubModel } from './model-id.js'
import { HubRepository } from './repository.js'
import type { HubSettings } from './settings.js'
import { DEFAULT_REVISION } from './store.js'

/** How a hub is asked about a model. */
export interface RemoteAccess {
  readonly settings: HubSettings
  readonly patience: Patience
  readonly signal: AbortSignal
}

/** One revision of a model on its hub, with what it needs of other models, as loading would find it once it is pulled. */
export class RemoteModel implements CheckpointFiles {
  readonly path: string
  readonly commit: string
  readonly #repository: HubRepository
  readonly #open: (model: HubModel) => Promise<HubRepository>
  #chosen: Promise<readonly ChosenFile[]> | undefined

  private constructor(repository: HubRepository, open: (model: HubModel) => Promise<HubRepository>) {
    this.path = repository.path
    this.commit = repository.revision.commit
    this.#repository = repository
    this.#open = open
  }

  /** Asks the hub for the list of the model's files. @throws {HubError} If it cannot or will not say. */
  static async open(model: HubModel, { settings, patience, signal }: RemoteAccess): Promise<RemoteModel> {
    const open = ({ id, revision, ...rest }: HubModel): Promise<HubRepository> => {
      const client = new HubClient(settings, { id, revision, ...rest }, patience)
      return HubRepository.open(id, client, revision ?? DEFAULT_REVISION, signal)
    }
    return new RemoteModel(await open(model), open)
  }

  /**
   * Every file that pulling downloads.
   *
   * @throws {CheckpointError} If the model cannot be loaded, as far as its list of files shows.
   * @throws {HubError} If a model that is needed beside it cannot be had.
   */
  choose(): Promise<readonly ChosenFile[]> {
    this.#chosen ??= this.#choose()
    return this.#chosen
  }

  async json(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (this.#repository.has(name)) return this.#repository.json(name)
    const file = (await this.choose()).find(({ path }) => path === name)
    return file?.from.json(file.remotePath)
  }

  weights(): Promise<WeightFiles<RangedFile>> {
    return this.#repository.weights()
  }

  async #choose(): Promise<ChosenFile[]> {
    const own = await chooseFiles(this.#repository)
    const others = await chooseCompanions(this.#repository, this.#open)
    const paths = new Set(own.map(({ path }) => path))
    return [...own, ...others.filter(({ path }) => !paths.has(path))]
  }
}
