/** A stream that text is read from. */
export type InputStream = NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }

/** A stream that text is written to. */
export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined
  /** Width of the terminal, characters. */
  readonly columns?: number | undefined
}

/** Everything the command line touches of its process. */
export interface Io {
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Fires when the person interrupts (Ctrl-C). */
  readonly signal: AbortSignal
}
