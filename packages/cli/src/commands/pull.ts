import { buildsFolder, modelsFolder, prepareWeights, pull as pullModel } from '@longtake/runtime'
import { count, formatBytes } from '../describe.js'
import type { Session } from '../main.js'
import type { ModelFlags } from '../model-options.js'
import { Progress } from '../progress.js'
import { PullLine } from '../pull-line.js'

export interface PullFlags extends Pick<ModelFlags, 'weights'> {
  readonly revision?: string
  readonly offline?: boolean
  readonly prepare: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** `longtake pull`: downloads a model, so that `--model` finds it, and prepares its weights. */
export async function pull(id: string, flags: PullFlags, session: Session): Promise<void> {
  const { io, out, err, signal } = session
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
  const prepared = flags.prepare ? await prepareFolder(pulled.folder, flags, session) : undefined
  if (json) {
    out.line(JSON.stringify({ ...pulled, prepared: prepared ?? null }, null, 2))
    return
  }
  const size = `${count(pulled.files, 'file')}, ${formatBytes(pulled.sizeBytes)}`
  out.line(
    `${out.style('bold', pulled.id)}  ${pulled.commit.slice(0, 12)}  ${size}  ${out.plain(pulled.folder)}`,
  )
  if (prepared !== undefined)
    out.line(
      `prepared as ${prepared.storage}, ${formatBytes(prepared.sizeBytes)}  ${out.plain(prepared.folder)}`,
    )
}

async function prepareFolder(folder: string, { weights, quiet }: PullFlags, { io, err, signal }: Session) {
  const progress = new Progress(err, { quiet })
  const builds = { folder: buildsFolder(io.env) }
  try {
    return await prepareWeights(folder, { weights, builds, onProgress: progress.onPrepare, signal })
  } finally {
    progress.clear()
  }
}
