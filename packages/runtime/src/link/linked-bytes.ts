/** Bytes behind a link, before they get their name and facts. */
export interface LinkedBytes {
  /** How they are read: in `ranges`, from a temporary file (`spool`), or from `memory`. */
  readonly way: 'ranges' | 'spool' | 'memory'
  readonly sizeBytes: number
  read(start: number, end: number): Promise<Uint8Array>
  close(): Promise<void>
  /** Has the link opened once more when the address that it led to runs out. */
  renewBy?(open: () => Promise<LinkedBytes>): void
}
