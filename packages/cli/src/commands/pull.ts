import { modelsFolder, pull as pullModel } from '@longtake/runtime'
import { count, formatBytes } from '../describe.js'
import type { Session } from '../main.js'
import { PullLine } from '../pull-line.js'

export interface PullFlags {
  readonly revision?: string
  readonly offline?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** `longtake pull`: downloads a model, so that `--model` finds it. */
export async function pull(id: string, flags: PullFlags, { io, out, err, signal }: Session): Promise<void> {
  const { revision, offline, json, quiet } = flags
  const line = new PullLine(err, { quiet })
  const pulled = await pullModel(id, {
    folder: modelsFolder(io.env),
    endpoint: io.env.HF_ENDPOINT || undefined,
    token: io.env.HF_TOKEN ?? '',
    revision,
    offline,
    onProgress: line.show,
    signal,
  }).finally(() => line.clear())
  if (json) {
    out.line(JSON.stringify(pulled, null, 2))
    return
  }
  const size = `${count(pulled.files, 'file')}, ${formatBytes(pulled.sizeBytes)}`
  out.line(
    `${out.style('bold', pulled.id)}  ${pulled.commit.slice(0, 12)}  ${size}  ${out.plain(pulled.folder)}`,
  )
}
