import { isLongtakeError } from '@longtake/core'
import type { Environment } from '../environment.js'
import { type GatewayConfig, readGatewayConfig } from '../gateway/config.js'
import { createGateway, type Gateway } from '../gateway/gateway.js'
import type { Log } from '../services.js'

/** One for all requests of an isolate: it counts what callers use. */
let running: { readonly env: Environment; readonly gateway: Gateway } | undefined

/** A Worker that answers the API by an engine somewhere else; its variables are in the README. */
// biome-ignore lint/style/noDefaultExport: what Cloudflare Workers load is a default export.
export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    try {
      if (running?.env !== env) running = { env, gateway: openGateway(env) }
    } catch (error) {
      return misconfigured(error)
    }
    return running.gateway.fetch(request)
  },
}

function openGateway(env: Environment): Gateway {
  const config = readGatewayConfig(env)
  return createGateway(config, consoleLog(config.logLevel))
}

/** Only the log says what is wrong: strangers read the answer. */
function misconfigured(error: unknown): Response {
  write('error', { err: isLongtakeError(error) ? error.message : String(error) }, 'wrong configuration')
  const message = 'The gateway is not configured. Its log says what is missing.'
  const body = { error: { message, type: 'server_error', param: null, code: 'not_configured' } }
  return Response.json(body, { status: 500, headers: { 'Cache-Control': 'no-store' } })
}

/** JSON lines, which Cloudflare's logs understand. */
function consoleLog(level: GatewayConfig['logLevel']): Log {
  const nothing = (): void => {}
  return {
    info: level === 'info' ? (fields, message) => write('info', fields, message) : nothing,
    warn: level === 'info' ? (fields, message) => write('warn', fields, message) : nothing,
    error: level === 'silent' ? nothing : (fields, message) => write('error', fields, message),
  }
}

function write(level: 'info' | 'warn' | 'error', fields: object, message: string): void {
  const line = JSON.stringify({ level, message, ...fields }, (_name, value: unknown) =>
    value instanceof Error ? `${value.name}: ${value.message}` : value,
  )
  console[level](line)
}
