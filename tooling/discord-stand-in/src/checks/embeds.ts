import type { JsonObject } from '../json.js'
import type { Form } from './form.js'

/** https://docs.discord.com/developers/resources/message#embed-object-embed-limits */
const LIMITS = {
  embeds: 10,
  title: 256,
  description: 4096,
  fields: 25,
  fieldName: 256,
  fieldValue: 1024,
  footer: 2048,
  author: 256,
  total: 6000,
}

const LINKS = ['http', 'https']
const IMAGES = ['http', 'https', 'attachment']

/** An embed has at least one of them. */
const SHOWN = ['title', 'description', 'fields', 'image', 'thumbnail', 'footer', 'author']

/** Checks a message's embeds and gives them as they are kept. */
export function checkEmbeds(form: Form): JsonObject[] {
  const checked = form.list({ max: LIMITS.embeds }).map(checkEmbed)
  const total = checked.reduce((sum, { length }) => sum + length, 0)
  if (total > LIMITS.total) {
    form.refuse('MAX_EMBED_SIZE_EXCEEDED', `Embed size exceeds maximum size of ${LIMITS.total}`)
  }
  return checked.map(({ embed }) => embed)
}

function checkEmbed(form: Form): { embed: JsonObject; length: number } {
  if (!form.object({ required: true })) return { embed: {}, length: 0 }
  const title = form.field('title').text({ max: LIMITS.title })
  const description = form.field('description').text({ max: LIMITS.description })
  const texts = [title, description]
  const embed: JsonObject = { type: 'rich', ...defined({ title, description }) }
  Object.assign(embed, defined({ url: form.field('url').link(LINKS) }))
  Object.assign(embed, defined({ color: form.field('color').integer({ min: 0, max: 0xffffff }) }))
  Object.assign(embed, defined({ timestamp: checkTimestamp(form.field('timestamp')) }))
  for (const name of ['image', 'thumbnail']) {
    const picture = form.field(name)
    if (picture.object()) embed[name] = { url: picture.field('url').link(IMAGES, { required: true }) }
  }
  const footer = form.field('footer')
  if (footer.object()) {
    const text = footer.field('text').text({ max: LIMITS.footer, required: true })
    texts.push(text)
    embed.footer = { text, ...defined({ icon_url: footer.field('icon_url').link(IMAGES) }) }
  }
  const author = form.field('author')
  if (author.object()) {
    const name = author.field('name').text({ max: LIMITS.author, required: true })
    texts.push(name)
    const links = { url: author.field('url').link(LINKS), icon_url: author.field('icon_url').link(IMAGES) }
    embed.author = { name, ...defined(links) }
  }
  const fields = checkFields(form.field('fields'))
  if (fields.length > 0) embed.fields = fields
  texts.push(...fields.flatMap(({ name, value }) => [name, value]))
  if (SHOWN.every((name) => form.field(name).absent)) {
    form.field('description').refuse('BASE_TYPE_REQUIRED', 'This field is required')
  }
  return { embed, length: texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) }
}

function checkFields(form: Form): { name: string | undefined; value: string | undefined; inline: boolean }[] {
  return form.list({ max: LIMITS.fields }).map((field) => ({
    name: field.field('name').text({ max: LIMITS.fieldName, required: true }),
    value: field.field('value').text({ max: LIMITS.fieldValue, required: true }),
    inline: field.field('inline').boolean() ?? false,
  }))
}

function checkTimestamp(form: Form): string | undefined {
  const text = form.text()
  if (text === undefined || !Number.isNaN(Date.parse(text))) return text
  form.refuse('DATE_TIME_TYPE_PARSE', `Could not parse ${text}. Should be ISO8601.`)
  return undefined
}

/** Only what was given. */
function defined(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
