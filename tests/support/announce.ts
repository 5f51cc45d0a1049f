import { request } from 'node:http'

/** Announces a JSON body of a length and sends none of it: what a server answers to that, no sending can race with. */
export function announce(
  url: string,
  sizeBytes: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const type = { 'Content-Type': 'application/json', 'Content-Length': sizeBytes }
    const sent = request(url, { method: 'POST', headers: { ...type, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        resolve({ status: response.statusCode, text })
        sent.destroy()
      })
    })
    sent.on('error', reject)
    sent.flushHeaders()
  })
}
