import { SettingsError } from '@longtake/core'
import { z } from 'zod'

/** A name with the SHA-256 of a key: the key itself is nowhere on the server. */
const KEY = /^[\w.@-]{1,64}:[0-9a-f]{64}$/

/** Texts with commas between them. */
export const list = z
  .string()
  .transform((text) => text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])))

/** A whole number within bounds. */
export function whole(byDefault: number, least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(least, `expected ${least} or more`).max(most, `expected ${most} or less`))
    .default(byDefault)
}

export const keys = list.pipe(
  z.array(z.string().regex(KEY, 'expected NAME:SHA256, as `longtake serve --new-key NAME` prints')),
)

/** Environment variables as a platform gives them; bindings that are no text are somebody else's. */
export type Environment = Readonly<Record<string, unknown>>

/**
 * Reads settings from environment variables; an empty one counts as none.
 *
 * @throws {SettingsError} Naming every mistake at once.
 */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  env: Environment,
): z.output<Schema> {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => typeof value === 'string' && value !== ''),
  )
  const result = schema.safeParse(given)
  if (result.success) return result.data
  throw new SettingsError(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
}
