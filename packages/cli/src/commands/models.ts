import { resolve } from 'node:path'
import {
  buildsFolder,
  modelsFolder,
  type PreparedWeights,
  type PulledModel,
  preparedWeights,
  pulledModels,
  removeModel,
  removePrepared,
} from '@longtake/runtime'
import { formatBytes } from '../describe.js'
import { describeEmbedded, EMBEDDED_MODELS } from '../embedded.js'
import type { Session } from '../main.js'

export interface ModelsFlags {
  readonly json?: boolean
}

/** `longtake models`: the checkpoints that can be named by id, and the weights that were prepared. */
export async function models({ json }: ModelsFlags, { io, out, err }: Session): Promise<void> {
  const entries = await Promise.all(EMBEDDED_MODELS.map(describeEmbedded))
  const pulled = await pulledModels({ folder: modelsFolder(io.env) })
  const prepared = await preparedWeights({ folder: buildsFolder(io.env) })
  if (json) {
    const embedded = entries.map(({ isPresent, ...rest }) => ({ ...rest, present: isPresent }))
    const models = [...embedded, ...pulled.map((model) => ({ ...model, source: 'hub', present: true }))]
    out.line(JSON.stringify({ models, prepared }, null, 2))
    return
  }
  for (const { id, source, isPresent, sizeBytes, description } of entries) {
    const state = isPresent ? `${source}, ${formatBytes(sizeBytes)}` : 'missing: reinstall Longtake'
    out.line(`${out.style('bold', id)}  ${state}  ${description}`.trimEnd())
  }
  for (const model of pulled) {
    const { id, sizeBytes, folder } = model
    out.line(
      `${out.style('bold', id)}  ${revisionOf(model)}, ${formatBytes(sizeBytes)}  ${out.plain(folder)}`,
    )
  }
  for (const { source, storage, sizeBytes } of prepared)
    out.line(`prepared as ${storage}, ${formatBytes(sizeBytes)}  of ${out.plain(source)}`)
  err.line(
    err.style(
      'dim',
      'Any folder with a checkpoint of a known family works too: --model FOLDER; or longtake pull ORG/NAME',
    ),
  )
}

/** `longtake models rm`: removes what was pulled, and what was prepared of it. */
export async function removeModels(id: string, { io, out }: Session): Promise<void> {
  const own = await preparedOf(resolve(id), io.env)
  if (own.length > 0) {
    out.line(`Removed ${id}, prepared: ${formatBytes(await removeAll(own))}`)
    return
  }
  const folder = modelsFolder(io.env)
  const before = await pulledModels({ folder })
  const bytes = await removeModel(id, { folder })
  const left = new Set((await pulledModels({ folder })).map((model) => model.folder))
  const gone = before.filter((model) => !left.has(model.folder))
  const prepared = await Promise.all(gone.map((model) => preparedOf(model.folder, io.env)))
  out.line(`Removed ${id}: ${formatBytes(bytes + (await removeAll(prepared.flat())))}`)
}

/** Weights prepared of the checkpoint in a folder. */
async function preparedOf(folder: string, env: Session['io']['env']): Promise<PreparedWeights[]> {
  const all = await preparedWeights({ folder: buildsFolder(env) })
  return all.filter(({ source }) => source === folder)
}

/** @returns Bytes that were removed. */
async function removeAll(prepared: readonly PreparedWeights[]): Promise<number> {
  for (const weights of prepared) await removePrepared(weights)
  return prepared.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** `main (0123456789ab)`; the commit alone where no name leads to it. */
function revisionOf({ revisions, commit }: PulledModel): string {
  const short = commit.slice(0, 12)
  return revisions.length > 0 ? `${revisions.join(', ')} (${short})` : short
}
