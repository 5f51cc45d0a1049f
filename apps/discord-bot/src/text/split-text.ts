/** Where a text is best cut: behind paragraphs, lines, sentences, words. */
const ENDS = [/\n\n/g, /\n/g, /[.!?…。！？](?=["'”’)\]]*\s)["'”’)\]]*/g, /\s/g]
/** A cut before this share of the room is filled would make many small pieces. */
const LEAST_SHARE = 0.4

/**
 * Cuts a text into pieces, at the ends of paragraphs and sentences where there are some.
 *
 * @param most - Characters (UTF-16) of a piece, at least 2.
 * @returns Pieces without white space at their ends; no piece ends in the middle of a character or behind a backslash that
 *   belongs to the next character.
 */
export function splitText(text: string, most: number): string[] {
  const pieces: string[] = []
  let rest = text.trim()
  while (rest.length > most) {
    const end = cutOf(rest, most)
    const piece = rest.slice(0, end).trimEnd()
    if (piece !== '') pieces.push(piece)
    rest = rest.slice(end).trimStart()
  }
  if (rest !== '') pieces.push(rest)
  return pieces
}

function cutOf(text: string, most: number): number {
  const room = text.slice(0, most + 1)
  for (const end of ENDS) {
    let last = 0
    for (const match of room.matchAll(end)) {
      const after = match.index + match[0].length
      if (after <= most) last = after
    }
    if (last >= most * LEAST_SHARE) return last
  }
  return wholeCharacters(text, most)
}

function wholeCharacters(text: string, most: number): number {
  let end = most
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? '')) end -= 1
  const backslashes = /\\*$/.exec(text.slice(0, end))?.[0].length ?? 0
  if (backslashes % 2 === 1) end -= 1
  return end > 0 ? end : most
}
