import { expect, test } from 'vitest'
import { question } from '../test/api.js'
import { appThatLoses } from '../test/engine.js'
import { readData } from '../test/files.js'

async function ask(app: { fetch(request: Request): Response | Promise<Response> }, fields: object = {}) {
  const data = `data:video/mp4;base64,${(await readData('demo/0000.mp4')).toString('base64')}`
  const body = JSON.stringify(question(data, undefined, fields))
  const headers = { 'Content-Type': 'application/json' }
  return app.fetch(new Request('http://localhost/v1/chat/completions', { method: 'POST', headers, body }))
}

test('a video that is lost once is watched again for the same question', async () => {
  const app = await appThatLoses(1)
  try {
    const response = await ask(app)
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(/square/i)
  } finally {
    await app.close()
  }
})

test('lost twice it fails with a reason that tells nothing of the inside, and the next question is answered', async () => {
  const app = await appThatLoses(2)
  try {
    const failed = await ask(app)
    expect(failed.status).toBe(500)
    const text = await failed.text()
    expect(text).toContain('engine_failed')
    expect(text).not.toMatch(/secret|tmp/)
    const streamed = await ask(app, { stream: true })
    expect(await streamed.text()).toContain('[DONE]')
  } finally {
    await app.close()
  }
})
