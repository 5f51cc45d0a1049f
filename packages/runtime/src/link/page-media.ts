import { Parser } from 'htmlparser2'

/** Media that a page names; more is a gallery, or a trap. */
const MAX_FOUND = 5
/** Longest JSON-LD block that is read, characters. */
const MAX_JSON_CHARACTERS = 128 * 2 ** 10
/** Depth and number of objects looked at in a block. */
const MAX_JSON_DEPTH = 8
const MAX_JSON_VALUES = 10_000

/** Elements inside each other, where browsers stop too; the parser's time grows with the square of it. */
const MAX_DEPTH = 512
/** Read between two looks at the depth. */
const STEP_CHARACTERS = 8192

/** Properties that name a video, the best first. */
const META = ['og:video:secure_url', 'og:video:url', 'og:video', 'twitter:player:stream']

/**
 * Finds the videos that an HTML page is about: `<video>`, `og:video`, `twitter:player:stream`, and `contentUrl` in JSON-LD.
 * Runs nothing and fetches nothing.
 *
 * @returns At most five addresses as the page writes them, the most telling first: to be checked like any other link.
 */
export function pageMedia(html: string): readonly string[] {
  const found = new Found()
  const parser = new Parser(found, { decodeEntities: true, lowerCaseTags: true })
  for (let at = 0; at < html.length && found.depth <= MAX_DEPTH; at += STEP_CHARACTERS) {
    parser.write(html.slice(at, at + STEP_CHARACTERS))
  }
  parser.end()
  return found.all()
}

class Found {
  /** Elements that are open. */
  depth = 0
  readonly #elements: string[] = []
  readonly #meta = new Map<string, string>()
  readonly #json: string[] = []
  #videoDepth = 0
  /** Text of the JSON-LD block that is open. */
  #block: string | undefined

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    this.depth++
    if (name === 'meta') this.#addMeta(attributes)
    if (name === 'video') this.#videoDepth++
    const isMedia = name === 'video' || (name === 'source' && this.#videoDepth > 0)
    if (isMedia && attributes.src) this.#add(this.#elements, attributes.src)
    if (name === 'script' && attributes.type?.trim().toLowerCase() === 'application/ld+json') this.#block = ''
  }

  ontext(text: string): void {
    if (this.#block !== undefined && this.#block.length <= MAX_JSON_CHARACTERS) this.#block += text
  }

  onclosetag(name: string): void {
    this.depth--
    if (name === 'video' && this.#videoDepth > 0) this.#videoDepth--
    if (name !== 'script' || this.#block === undefined) return
    if (this.#block.length <= MAX_JSON_CHARACTERS) this.#addJson(this.#block)
    this.#block = undefined
  }

  all(): readonly string[] {
    const meta = META.flatMap((name) => this.#meta.get(name) ?? [])
    return [...new Set([...meta, ...this.#elements, ...this.#json])].slice(0, MAX_FOUND)
  }

  #addMeta({ property, name, content }: Readonly<Record<string, string>>): void {
    const key = (property ?? name ?? '').trim().toLowerCase()
    if (content && META.includes(key) && !this.#meta.has(key)) this.#meta.set(key, content.trim())
  }

  #addJson(text: string): void {
    let values: unknown[]
    try {
      values = [JSON.parse(text)]
    } catch {
      return
    }
    let seen = 0
    for (let depth = 0; depth < MAX_JSON_DEPTH && values.length > 0; depth++) {
      const inner: unknown[] = []
      for (const value of values) {
        if (typeof value !== 'object' || value === null || ++seen > MAX_JSON_VALUES) continue
        const url: unknown = Reflect.get(value, 'contentUrl')
        if (typeof url === 'string') this.#add(this.#json, url)
        inner.push(...Object.values(value).slice(0, MAX_JSON_VALUES))
      }
      values = inner
    }
  }

  #add(list: string[], url: string): void {
    if (list.length < MAX_FOUND) list.push(url.trim())
  }
}
