import type { App, Kit } from '../http/context.js'
import { addRoute } from './routing.js'

const TITLE = 'Longtake'

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow: auto; padding: .75rem; border: 1px solid #8886; border-radius: .5rem }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem }
`

/** `/openapi.json`, and `/docs`, a page that shows it without asking anybody else for anything. */
export function addDocs(app: App, { services }: Kit): void {
  const info = {
    openapi: '3.1.0',
    info: { title: TITLE, version: services.version, description: 'Questions about long videos.' },
    security: [{ bearer: [] }],
  }
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  // Anybody may ask for it, so it is made once; all routes are there by the first request.
  let made: ReturnType<App['getOpenAPI31Document']> | undefined
  const document = () => {
    made ??= app.getOpenAPI31Document(info)
    return made
  }
  const json = {
    summary: 'This description',
    security: [],
    responses: { 200: { description: 'OpenAPI 3.1' } },
  }
  addRoute(app, 'get', '/openapi.json', json, (c) => c.json(document()))
  const page = {
    summary: 'This description, to read',
    security: [],
    responses: { 200: { description: 'A page' } },
  }
  addRoute(app, 'get', '/docs', page, (c) => c.html(pageOf(document())))
  app.get('/docs/style.css', (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
}

function pageOf(document: ReturnType<App['getOpenAPI31Document']>): string {
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'delete'] as const).flatMap((method) => {
      const operation = item[method]
      if (operation === undefined) return []
      const body = operation.requestBody === undefined ? '' : block('Body', operation.requestBody)
      const heading = `<h2><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h2>`
      return [`${heading}<p>${escapeHtml(operation.summary ?? '')}</p>${body}`]
    }),
  )
  const schemas = block('Schemas', document.components?.schemas ?? {})
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${TITLE}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs/style.css"></head>
<body><h1>${TITLE} ${escapeHtml(document.info.version)}</h1>
<p>Send your key as <code>Authorization: Bearer KEY</code>. The whole description: <a href="/openapi.json">openapi.json</a>.</p>
${routes.join('\n')}${schemas}</body></html>`
}

function block(title: string, value: unknown): string {
  return `<details><summary>${title}</summary><pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre></details>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
