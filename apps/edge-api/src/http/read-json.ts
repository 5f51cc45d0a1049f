import type { z } from '@hono/zod-openapi'
import { ApiError } from './api-error.js'
import type { BodyKit, Request } from './context.js'
import { readBody } from './read-body.js'

/** Mistakes that one answer names. */
const MOST_NAMED = 5

/**
 * Reads a JSON body.
 *
 * @throws {ApiError} 415 if it is not said to be JSON, 413 if it is too large, 400 if it is none, or not what `schema` says.
 */
export async function readJson<Schema extends z.ZodType>(
  c: Request,
  kit: BodyKit,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new ApiError(415, 'unsupported_media_type', 'Send JSON, with "Content-Type: application/json".')
  }
  const text = new TextDecoder().decode(await readBody(c, kit, kit.services.limits.maxBodyBytes))
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new ApiError(400, 'invalid_json', 'The body is not JSON.')
  }
  return check(schema, body)
}

/** @throws {ApiError} 400 naming what is wrong, and where. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, MOST_NAMED)
  const told = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${pathText(path)}: ${message}`,
  )
  const [first] = issues
  throw new ApiError(400, 'invalid_value', told.join('; '), {
    param: first === undefined || first.path.length === 0 ? null : pathText(first.path),
  })
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return text.replace(/^\./, '').slice(0, 200)
}
