import type { Session } from '../main.js'

export interface ServeFlags {
  readonly host?: string
  readonly port?: string
  readonly model?: readonly string[]
  readonly newKey?: string
}

/** `longtake serve`: answers over HTTP until it is interrupted, then lets running work end. */
export async function serve(flags: ServeFlags, { io, out, err, signal }: Session): Promise<void> {
  // No other command needs a server, so none loads one.
  const { newKey, serve: start } = await import('@longtake/edge-api/node')
  if (flags.newKey !== undefined) {
    const { key, entry } = newKey(flags.newKey)
    out.line(`key    ${key}`)
    out.line(`entry  ${entry}`)
    err.line(
      err.style('dim', 'note: The key goes to whoever asks, the entry into LONGTAKE_KEYS. It is shown once.'),
    )
    return
  }
  const { host, port, model } = flags
  const server = await start({
    ...io.env,
    ...(host !== undefined && { LONGTAKE_HOST: host }),
    ...(port !== undefined && { LONGTAKE_PORT: port }),
    ...(model !== undefined && { LONGTAKE_MODELS: model.join(',') }),
  })
  err.line(`Longtake answers at ${server.url}/v1, described at ${server.url}/docs. Ctrl-C stops it.`)
  if (server.isOpen) {
    err.line(
      'There are no keys, so it listens to this machine only: set LONGTAKE_KEYS (longtake serve --new-key NAME) for others.',
    )
  }
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  err.line('Stopping: what runs may end.')
  await server.close()
}
