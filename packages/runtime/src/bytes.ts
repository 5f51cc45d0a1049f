/** Pieces one after the other. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Where a name in ASCII begins, from `from` on; -1 where it does not stand. */
export function indexOfName(bytes: Uint8Array, name: string, from = 0): number {
  const [first, ...rest] = Uint8Array.from(name, (character) => character.charCodeAt(0))
  for (let at = bytes.indexOf(first!, from); at >= 0; at = bytes.indexOf(first!, at + 1)) {
    if (rest.every((byte, index) => bytes[at + 1 + index] === byte)) return at
  }
  return -1
}
