import type { ModelSpec } from '@longtake/core'
import { z } from 'zod'
import { ApiError } from '../http/api-error.js'
import type { Request } from '../http/context.js'
import type { Upstream } from './upstream.js'

const KNOWN_MS = 60_000

const listSchema = z.object({
  object: z.literal('list'),
  data: z.array(z.looseObject({ id: z.string(), longtake: z.looseObject({ spec: z.unknown() }) })).min(1),
})

type Model = z.output<typeof listSchema>['data'][number]

/** The engine's models, asked for once a minute. When it is away, the last answer counts. */
export class UpstreamModels {
  readonly #upstream: Upstream
  readonly #clock: () => number
  #known: readonly Model[] = []
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(upstream: Upstream, clock: () => number) {
    this.#upstream = upstream
    this.#clock = clock
  }

  /** @throws {ApiError} 502 if the engine was never reached. */
  async list(c: Request): Promise<readonly Model[]> {
    const now = this.#clock()
    if (now - this.#askedAt < KNOWN_MS) return this.#known
    try {
      this.#known = await this.#ask(c)
      this.#askedAt = now
    } catch (error) {
      if (this.#known.length === 0) throw error
    }
    return this.#known
  }

  /**
   * @param id - `undefined`: the first one.
   * @throws {ApiError} 404; 502 if the engine was never reached.
   */
  async get(c: Request, id: string | undefined): Promise<Model & { readonly spec: ModelSpec }> {
    const models = await this.list(c)
    const model = id === undefined ? models[0] : models.find((it) => it.id === id)
    // What an engine says of its models is believed; planning checks the numbers.
    if (model !== undefined) return { ...model, spec: model.longtake.spec as ModelSpec }
    const names = models.map((it) => it.id).join(', ')
    const message = `There is no model ${JSON.stringify(id?.slice(0, 80))} here; there is: ${names}.`
    throw new ApiError(404, 'model_not_found', message, { param: 'model' })
  }

  async #ask(c: Request): Promise<readonly Model[]> {
    const response = await this.#upstream.forward(c, '/v1/models', { method: 'GET', isOwn: true })
    const result = listSchema.safeParse(await response.json().catch(() => undefined))
    if (result.success) return result.data.data
    throw new ApiError(502, 'engine_refused', 'The engine does not tell its models.', { cause: result.error })
  }
}
