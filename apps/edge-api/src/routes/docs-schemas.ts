import { z } from '@hono/zod-openapi'

const errorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('Error')

/** Any JSON object; what is in it, the README says. */
const anything = z.record(z.string(), z.unknown())

/** A successful answer of JSON, and the errors that any route may answer with. */
export function jsonResponses(status: number, description: string, schema: z.ZodType = anything) {
  return {
    [status]: { description, content: { 'application/json': { schema } } },
    default: { description: 'What is wrong', content: { 'application/json': { schema: errorSchema } } },
  }
}
