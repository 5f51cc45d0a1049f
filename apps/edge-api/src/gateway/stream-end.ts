const NEWLINE = 10

/** Server-sent events of an engine; if they break off between two events, an error is the last one. */
export function endsWithError(
  events: ReadableStream<Uint8Array>,
  error: unknown,
): ReadableStream<Uint8Array> {
  const reader = events.getReader()
  // Two line ends lie between events, perhaps in two pieces.
  let last: readonly [number, number] = [NEWLINE, NEWLINE]
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else {
          if (value.length > 0) last = [value.at(-2) ?? last[1], value.at(-1) ?? NEWLINE]
          controller.enqueue(value)
        }
      } catch (cause) {
        if (last[0] !== NEWLINE || last[1] !== NEWLINE) return controller.error(cause)
        controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(error)}\n\n`))
        controller.close()
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
