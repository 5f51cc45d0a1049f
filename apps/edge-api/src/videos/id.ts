/** Bytes of randomness in an id: nobody guesses one. */
const RANDOM_BYTES = 16

/** A new id, such as `vid_…`. */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
  return `${prefix}_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
