import { requireModel } from '../chat/ask.js'
import type { App, Kit } from '../http/context.js'
import { jsonResponses } from './docs-schemas.js'
import { addRoute } from './routing.js'

/** `GET /v1/models` and `GET /v1/models/{id}`; ids may have slashes. */
export function addModels(app: App, kit: Kit): void {
  const created = Math.floor(kit.services.clock() / 1000)
  const { models } = kit.services.engine
  const describe = (id: string) => ({
    id,
    object: 'model' as const,
    created,
    owned_by: 'longtake',
    // Gateways plan with it.
    longtake: { spec: models.get(id)?.spec },
  })
  addRoute(
    app,
    'get',
    '/v1/models',
    { summary: 'The models', responses: jsonResponses(200, 'All models') },
    (c) => c.json({ object: 'list', data: [...models.keys()].map(describe) }),
  )
  const docs = { summary: 'A model', responses: jsonResponses(200, 'The model') }
  app.openAPIRegistry.registerPath({ ...docs, method: 'get', path: '/v1/models/{id}' })
  // Both `@longtake/tiny` and `%40longtake%2Ftiny` are asked for.
  app.get('/v1/models/:id{.+}', (c) => {
    c.set('route', '/v1/models/{id}')
    const id = c.req.param('id')
    requireModel(kit, id)
    return c.json(describe(id))
  })
}
