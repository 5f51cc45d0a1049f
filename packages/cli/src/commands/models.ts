import { formatBytes } from '../describe.js'
import { describeEmbedded, EMBEDDED_MODELS } from '../embedded.js'
import type { Session } from '../main.js'

export interface ModelsFlags {
  readonly json?: boolean
}

/** `longtake models`: the checkpoints that can be named by id. */
export async function models({ json }: ModelsFlags, { out, err }: Session): Promise<void> {
  const entries = await Promise.all(EMBEDDED_MODELS.map(describeEmbedded))
  if (json) {
    out.line(
      JSON.stringify(
        { models: entries.map(({ isPresent, ...rest }) => ({ ...rest, present: isPresent })) },
        null,
        2,
      ),
    )
    return
  }
  for (const { id, source, isPresent, sizeBytes, description } of entries) {
    const state = isPresent ? `${source}, ${formatBytes(sizeBytes)}` : 'missing: reinstall Longtake'
    out.line(`${out.style('bold', id)}  ${state}  ${description}`.trimEnd())
  }
  err.line(err.style('dim', 'Any folder with a checkpoint of a known family works too: --model FOLDER'))
}
