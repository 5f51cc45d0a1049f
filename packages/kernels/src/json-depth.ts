const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{`; the brackets that close them are two higher. */
const OPENING: readonly number[] = [0x5b, 0x7b]
const CLOSING: readonly number[] = [0x5d, 0x7d]

/**
 * Whether a JSON text has objects and lists inside each other deeper than so many. To be asked before the text is
 * parsed: each bracket costs the parser a hundred times its byte, and what walks over the result recurses.
 *
 * @param json - UTF-8; need not be valid JSON.
 * @param depth - Depth that is still allowed; 0 allows no object and no list.
 */
export function isNestedBeyond(json: Uint8Array, depth: number): boolean {
  let open = 0
  for (let position = 0; position < json.length; position++) {
    const byte = json[position]!
    if (byte === QUOTE) position = endOfString(json, position)
    else if (OPENING.includes(byte)) {
      open++
      if (open > depth) return true
    } else if (CLOSING.includes(byte)) open--
  }
  return false
}

/** Place of the quote that ends the string which begins at `start`, or the end of the text. */
function endOfString(json: Uint8Array, start: number): number {
  let position = start + 1
  while (position < json.length && json[position] !== QUOTE) position += json[position] === BACKSLASH ? 2 : 1
  return position
}
