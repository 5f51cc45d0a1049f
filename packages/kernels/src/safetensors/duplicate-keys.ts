/**
 * First key that an object of a JSON text has twice; `JSON.parse` silently keeps the last.
 *
 * @param text - Valid JSON.
 * @returns The key, or undefined if all objects have distinct keys.
 */
export function findDuplicateKey(text: string): string | undefined {
  const open: (Set<string> | null)[] = []
  for (let position = 0; position < text.length; position++) {
    const character = text[position]
    if (character === '{') open.push(new Set())
    else if (character === '[') open.push(null)
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const end = closingQuote(text, position)
      const keys = open.at(-1)
      if (keys && isKey(text, end)) {
        const key: string = JSON.parse(text.slice(position, end + 1))
        if (keys.has(key)) return key
        keys.add(key)
      }
      position = end
    }
  }
  return undefined
}

function closingQuote(text: string, start: number): number {
  let position = start + 1
  while (text[position] !== '"') position += text[position] === '\\' ? 2 : 1
  return position
}

/** A string is a key where a colon follows: colons stand nowhere else outside strings. */
function isKey(text: string, end: number): boolean {
  let position = end + 1
  while (/\s/.test(text[position] ?? '')) position++
  return text[position] === ':'
}
