import type { IncomingMessage } from 'node:http'
import { refusals } from './api-error.js'
import type { UploadedFile } from './route.js'

/** Largest file. https://docs.discord.com/developers/reference#uploading-files */
const FILE_BYTES = 10 * 1024 * 1024
/** Ten such files and some text. */
const BODY_BYTES = 10 * FILE_BYTES + 1024 * 1024

export interface RequestBody {
  readonly body: unknown
  readonly files: readonly UploadedFile[]
}

/** Reads JSON, or a form with `payload_json` and files.
 * @throws {ApiError} 50109 for broken JSON, 40005 for too large a file, 400 for another type.
 */
export async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const bytes = await readAll(request)
  const type = request.headers['content-type'] ?? ''
  if (bytes.length === 0) return { body: undefined, files: [] }
  if (type.startsWith('application/json')) return { body: parseJson(bytes.toString('utf8')), files: [] }
  if (type.startsWith('multipart/form-data')) return readForm(bytes, type)
  throw refusals.badRequest()
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length <= BODY_BYTES) chunks.push(chunk)
  }
  if (length > BODY_BYTES) throw refusals.requestTooLarge()
  return Buffer.concat(chunks)
}

async function readForm(bytes: Buffer, type: string): Promise<RequestBody> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } })
    .formData()
    .catch(() => {
      throw refusals.badRequest()
    })
  const files: UploadedFile[] = []
  const fields: Record<string, unknown> = {}
  for (const [name, value] of form) {
    if (typeof value === 'string') fields[name] = value
    else files.push(await readFile(name, value))
  }
  const payload = fields.payload_json
  return { body: typeof payload === 'string' ? parseJson(payload) : fields, files }
}

async function readFile(name: string, file: File): Promise<UploadedFile> {
  const number = /^files\[(\d+)\]$/.exec(name)?.[1]
  if (number === undefined) throw refusals.badRequest()
  if (file.size > FILE_BYTES) throw refusals.requestTooLarge()
  return {
    number,
    filename: file.name,
    contentType: file.type || 'application/octet-stream',
    bytes: new Uint8Array(await file.arrayBuffer()),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusals.invalidJson()
  }
}
