const brand = Symbol('markup')

/** Text that is HTML already. Only {@link html} makes it, so that everything else is escaped. */
export interface Markup {
  readonly [brand]: string
}

/** What can stand in a template: text is escaped, absent values and `false` leave nothing. */
export type Part = string | number | false | undefined | Markup | readonly Part[]

/** A piece of HTML: `` html`<p>${text}</p>` ``. Attributes must be quoted. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { [brand]: texts.map((text, index) => text + render(parts[index])).join('') }
}

/** A style sheet; nothing in it is escaped, so no text of others may be in it. */
export function styleElement(css: string): Markup {
  return { [brand]: `<style>\n${css}\n</style>` }
}

/** The HTML itself. */
export function markupText(markup: Markup): string {
  return markup[brand]
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escapeText(part)
  return isMarkup(part) ? part[brand] : part.map(render).join('')
}

function isMarkup(part: Markup | readonly Part[]): part is Markup {
  return brand in part
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that HTML forbids, and halves of pairs, become the replacement character. */
function escapeText(text: string): string {
  return text
    .replace(/[^\P{Cc}\t\n\r]|\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
