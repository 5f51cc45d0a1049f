/** The world's letters: 5 × 7 dots, a row a number, the highest bit left. */
const WORLD_GLYPHS: ReadonlyMap<string, readonly number[]> = new Map([
  ['0', [14, 17, 19, 21, 25, 17, 14]],
  ['1', [4, 12, 4, 4, 4, 4, 14]],
  ['2', [14, 17, 1, 2, 4, 8, 31]],
  ['3', [31, 2, 4, 2, 1, 17, 14]],
  ['4', [2, 6, 10, 18, 31, 2, 2]],
  ['5', [31, 16, 30, 1, 1, 17, 14]],
  ['6', [6, 8, 16, 30, 17, 17, 14]],
  ['7', [31, 1, 2, 4, 8, 8, 8]],
  ['8', [14, 17, 17, 14, 17, 17, 14]],
  ['9', [14, 17, 17, 15, 1, 2, 12]],
  ['b', [30, 17, 17, 30, 17, 17, 30]],
  ['e', [31, 16, 16, 30, 16, 16, 31]],
  ['g', [14, 17, 16, 23, 17, 17, 15]],
  ['h', [17, 17, 17, 31, 17, 17, 17]],
  ['i', [14, 4, 4, 4, 4, 4, 14]],
  ['k', [17, 18, 20, 24, 20, 18, 17]],
  ['l', [16, 16, 16, 16, 16, 16, 31]],
  ['m', [17, 27, 21, 21, 17, 17, 17]],
  ['o', [14, 17, 17, 17, 17, 17, 14]],
  ['p', [30, 17, 17, 30, 16, 16, 16]],
  ['t', [31, 4, 4, 4, 4, 4, 4]],
  ['u', [17, 17, 17, 17, 17, 17, 14]],
  ['v', [17, 17, 17, 17, 17, 10, 4]],
  ['w', [17, 17, 17, 21, 21, 21, 10]],
  ['x', [17, 17, 10, 4, 10, 17, 17]],
])

/** Dots of a text with a margin of one dot all round: [rows, columns], 1 where there is ink. */
export function textDots(text: string): {
  readonly rows: number
  readonly columns: number
  readonly dots: Uint8Array
} {
  const columns = 6 * text.length + 1
  const dots = new Uint8Array(9 * columns)
  for (const [index, character] of [...text].entries()) {
    for (const [row, bits] of (WORLD_GLYPHS.get(character) ?? []).entries()) {
      for (let column = 0; column < 5; column++) {
        dots[(row + 1) * columns + 1 + 6 * index + column] = (bits >> (4 - column)) & 1
      }
    }
  }
  return { rows: 9, columns, dots }
}
