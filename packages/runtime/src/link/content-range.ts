/** What a server says an answer of 206 is. */
export interface ContentRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** Length of the file; undefined where the server does not say. */
  readonly total: number | undefined
}

/** Reads `Content-Range` (RFC 9110, 14.4); undefined for everything that is no range of bytes. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header?.trim() ?? '')
  if (match === null) return undefined
  const [start, last] = [Number(match[1]), Number(match[2])]
  const total = match[3] === '*' ? undefined : Number(match[3])
  const isSafe = [start, last, total ?? 0].every(Number.isSafeInteger)
  return isSafe && start <= last && (total === undefined || last < total)
    ? { start, end: last + 1, total }
    : undefined
}

/** Length of a file of which a range cannot be satisfied, from `Content-Range: bytes *\/0`. */
export function parseUnsatisfied(header: string | undefined): number | undefined {
  const match = /^bytes \*\/(\d{1,16})$/i.exec(header?.trim() ?? '')
  return match === null ? undefined : Number(match[1])
}
