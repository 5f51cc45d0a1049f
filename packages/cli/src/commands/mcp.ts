import { resolve } from 'node:path'
import { isRemoteId } from '@longtake/runtime'
import { placesOf } from '../link-options.js'
import type { Session } from '../main.js'
import { requireRemote } from '../model-options.js'

export interface McpFlags {
  readonly model: string
  readonly folder?: readonly string[]
  readonly allowPrivate?: boolean
  readonly guide?: string
  readonly sendFrames?: number
}

/** `longtake mcp`: gives an agent tools to ask about videos, on standard input and output, until the input ends. */
export async function mcp(flags: McpFlags, version: string, { io, err, signal }: Session): Promise<void> {
  const { model, folder = [], guide, sendFrames } = flags
  requireRemote(flags)
  const remote = isRemoteId(model) ? { guide, sendFrames, key: io.env.LONGTAKE_REMOTE_KEY } : undefined
  // No other command needs these, so none loads them.
  const { serveTools, VideoTools } = await import('@longtake/mcp')
  await using tools = await VideoTools.open(model, {
    folders: folder.map((path) => resolve(path)),
    links: placesOf(flags),
    load: { signal, remote },
    version,
  })
  err.line(`Longtake serves an agent on standard input and output, with ${model}.`)
  await serveTools(tools, { stdin: io.stdin, stdout: io.stdout, signal })
}
