import {
  type ModelSizes,
  modelsFolder,
  type PulledModel,
  publishedModels,
  pulledModels,
  readSpec,
} from '@longtake/runtime'
import { count, formatBytes } from './describe.js'
import { EMBEDDED_MODELS } from './embedded.js'
import { describeFailure } from './exit-code.js'
import { type FittingStorage, FRAMES, fitModel } from './fitting.js'
import type { Machine } from './machine.js'
import type { Session } from './main.js'
import { usableMemory } from './resources.js'

/** A model that could be asked, and what of it this machine has room for. */
export interface KnownModel {
  readonly id: string
  readonly source: 'embedded' | 'pulled' | 'published'
  /** Bytes to download first, about; 0 where it is here. */
  readonly downloadBytes: number
  /** Whether the disk has room for the download; null where the system does not say. */
  readonly fitsDisk: boolean | null
  readonly storages: readonly FittingStorage[]
  /** Folder of its repository that has to be downloaded by hand, where `pull` does not. */
  readonly subfolder?: string
  /** Why nothing is known of it. */
  readonly problem?: string
}

/** Widths of the table's columns. */
const WEIGHTS_WIDTH = 9
const CELL_WIDTH = 15

/** The embedded models, those that were pulled, and published ones that were not; no hub is asked. */
export async function listKnownModels(machine: Machine, { io, signal }: Session): Promise<KnownModel[]> {
  const folder = modelsFolder(io.env)
  const here = async (id: string, source: KnownModel['source'], place: string = id): Promise<KnownModel> => {
    try {
      return known(id, source, 0, await readSpec(place, { signal }), machine)
    } catch (error) {
      if (signal.aborted) throw error
      const problem = describeFailure(error, io.env)
      return { id, source, downloadBytes: 0, fitsDisk: true, storages: [], problem }
    }
  }
  const pulled = await pulledModels({ folder })
  const names = new Set(pulled.map(({ id }) => id))
  const published = (await publishedModels()).filter(({ id }) => !names.has(id))
  return [
    ...(await Promise.all(EMBEDDED_MODELS.map((id) => here(id, 'embedded')))),
    ...(await Promise.all(pulled.map((model) => here(nameOf(model), 'pulled', model.folder)))),
    ...published.map((model) => ({
      ...known(model.id, 'published', model.downloadBytes, model, machine),
      ...(model.subfolder !== undefined && { subfolder: model.subfolder }),
    })),
  ]
}

function known(
  id: string,
  source: KnownModel['source'],
  downloadBytes: number,
  sizes: ModelSizes,
  machine: Machine,
): KnownModel {
  const fitsDisk = machine.freeDisk === undefined ? null : downloadBytes <= machine.freeDisk
  return { id, source, downloadBytes, fitsDisk, storages: fitModel(sizes, machine) }
}

function nameOf({ id, revisions, commit }: PulledModel): string {
  return revisions.includes('main') ? id : `${id}@${revisions[0] ?? commit}`
}

/** Models, and under each a row for each storage with a cell for each number of frames. */
export function printKnownModels(models: readonly KnownModel[], machine: Machine, { out }: Session): void {
  const disk = machine.freeDisk === undefined ? '' : `, ${formatBytes(machine.freeDisk)} on the disk`
  const room = `${formatBytes(usableMemory(machine))} of memory are free${disk}`
  const header = FRAMES.map((frames) => count(frames, 'frame').padEnd(CELL_WIDTH)).join('')
  out.line()
  out.line(`What fits: most memory, and KV cache, by weights and frames of a video (${room})`)
  out.line(out.style('dim', `  ${'weights'.padEnd(WEIGHTS_WIDTH)}${header}`.trimEnd()))
  for (const model of models) {
    out.line(`${out.style('bold', out.plain(model.id))}  ${out.plain(describeSource(model))}`)
    for (const { weights, plans } of model.storages) {
      const none = out.isUnicode ? '–' : '-'
      const cells = plans.map(({ kvCache, memory }) =>
        (kvCache === null ? none : `${formatBytes(memory)} ${kvCache}`).padEnd(CELL_WIDTH),
      )
      out.line(`  ${weights.padEnd(WEIGHTS_WIDTH)}${cells.join('')}`.trimEnd())
    }
  }
}

function describeSource({ source, downloadBytes, fitsDisk, subfolder, problem }: KnownModel): string {
  if (problem !== undefined) return problem
  if (source !== 'published') return 'here'
  const isTooLarge = fitsDisk === false ? ', more than the disk has' : ''
  const how = subfolder === undefined ? 'to pull' : `to download by hand, its folder ${subfolder}`
  return `${how}: about ${formatBytes(downloadBytes)}${isTooLarge}`
}
