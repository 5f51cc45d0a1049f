import { modelsFolder, type PulledModel, pulledModels, removeModel } from '@longtake/runtime'
import { formatBytes } from '../describe.js'
import { describeEmbedded, EMBEDDED_MODELS } from '../embedded.js'
import type { Session } from '../main.js'

export interface ModelsFlags {
  readonly json?: boolean
}

/** `longtake models`: the checkpoints that can be named by id. */
export async function models({ json }: ModelsFlags, { io, out, err }: Session): Promise<void> {
  const entries = await Promise.all(EMBEDDED_MODELS.map(describeEmbedded))
  const pulled = await pulledModels({ folder: modelsFolder(io.env) })
  if (json) {
    const embedded = entries.map(({ isPresent, ...rest }) => ({ ...rest, present: isPresent }))
    const models = [...embedded, ...pulled.map((model) => ({ ...model, source: 'hub', present: true }))]
    out.line(JSON.stringify({ models }, null, 2))
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
  err.line(
    err.style(
      'dim',
      'Any folder with a checkpoint of a known family works too: --model FOLDER; or longtake pull ORG/NAME',
    ),
  )
}

/** `longtake models rm`: removes what was pulled. */
export async function removePulled(id: string, { io, out }: Session): Promise<void> {
  const bytes = await removeModel(id, { folder: modelsFolder(io.env) })
  out.line(`Removed ${id}: ${formatBytes(bytes)}`)
}

/** `main (0123456789ab)`; the commit alone where no name leads to it. */
function revisionOf({ revisions, commit }: PulledModel): string {
  const short = commit.slice(0, 12)
  return revisions.length > 0 ? `${revisions.join(', ')} (${short})` : short
}
