import { type DestinationStream, pino } from 'pino'
import type { Config } from './config/config.js'

/** Structured logs; pino is one. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Logs as JSON lines. Of errors only what says nothing about people is kept: those of requests carry bodies, and addresses with
 * the tokens of interactions.
 */
export function openLog(level: Config['logLevel'], destination?: DestinationStream): Log {
  return pino({ level, serializers: { err: describe } }, ...(destination === undefined ? [] : [destination]))
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack } = error
  const code: unknown = Reflect.get(error, 'code')
  const status: unknown = Reflect.get(error, 'status')
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {}
  return { type: name, message, code, status, stack, ...cause }
}
