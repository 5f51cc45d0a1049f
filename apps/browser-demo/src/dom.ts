/** An element of the page; `type` is checked, so that a wrong id shows at once. */
export function need<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new TypeError(`The page has no ${type.name} #${id}.`)
}

export type Child = Node | string

/** A new element. Texts become text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

let said = ''

/** Tells people who listen instead of looking; the same words twice are said once. */
export function announce(text: string): void {
  if (text === said) return
  said = text
  need('status', HTMLElement).textContent = text
}
