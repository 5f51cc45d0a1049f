import { Template } from '@huggingface/jinja'

/** What a worker is asked for. */
interface Asked {
  readonly template: string
  readonly contexts: readonly Record<string, unknown>[]
  readonly most: number
}

/** Posts once that it begins, then what came out. */
globalThis.onmessage = ({ data: { template, contexts, most } }: MessageEvent<Asked>) => {
  globalThis.postMessage('begun')
  globalThis.postMessage(
    contexts.map((context) => {
      try {
        const text = new Template(template).render(context)
        return text.length > most ? { failure: `it makes more than ${most} characters` } : { text }
      } catch (error) {
        return { failure: String((error as Error)?.message ?? error).slice(0, 500) }
      }
    }),
  )
}
