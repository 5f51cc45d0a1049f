import type { RouteConfig } from '@hono/zod-openapi'
import { ApiError } from '../http/api-error.js'
import type { App, Request } from '../http/context.js'

type Method = 'get' | 'post' | 'delete'

/** A route and what `/openapi.json` says of it. */
export interface RouteDocs extends Omit<RouteConfig, 'method' | 'path' | 'responses'> {
  readonly summary: string
  readonly responses: RouteConfig['responses']
}

/** Adds a route. `path` is in the form of OpenAPI, `/v1/videos/{id}`. */
export function addRoute(
  app: App,
  method: Method,
  path: string,
  docs: RouteDocs,
  handler: (c: Request) => Response | Promise<Response>,
): void {
  app.openAPIRegistry.registerPath({ ...docs, method, path })
  app.on(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ':$1'), (c) => {
    c.set('route', path)
    return handler(c)
  })
}

/** Refuses other methods than those that a path has. To be called when all routes are there. */
export function refuseOtherMethods(app: App): void {
  const methods = new Map<string, Set<string>>()
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue
    const known = methods.get(path) ?? new Set()
    methods.set(path, known.add(method))
  }
  for (const [path, known] of methods) {
    const allow = [...known, ...(known.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    app.all(path, (c) => {
      throw new ApiError(405, 'method_not_allowed', `${c.req.method} is not possible here: ${allow}.`, {
        headers: { Allow: allow },
      })
    })
  }
}
