import type { Rendered } from '../checkpoint/prompt.js'
import {
  MAX_PROMPT_CHARACTERS,
  MAX_RENDER_MS,
  MAX_START_MS,
  MAX_TEMPLATE_CHARACTERS,
} from '../checkpoint/template-limits.js'

/** Renders a chat template in a worker of its own, which is ended when it takes too long. */
export async function renderTemplate(
  template: string,
  contexts: readonly object[],
): Promise<readonly Rendered[]> {
  const refusal = (failure: string): Rendered[] => contexts.map(() => ({ failure }))
  if (template.length > MAX_TEMPLATE_CHARACTERS)
    return refusal(`it has more than ${MAX_TEMPLATE_CHARACTERS} characters`)
  const worker = new Worker(new URL('./template-worker.js', import.meta.url), { type: 'module' })
  try {
    return await outcome(worker, { template, contexts, most: MAX_PROMPT_CHARACTERS })
  } catch (error) {
    return refusal((error as Error).message)
  } finally {
    worker.terminate()
  }
}

function outcome(worker: Worker, asked: object): Promise<readonly Rendered[]> {
  return new Promise((resolve, reject) => {
    const end = (reason: string) => () => reject(new Error(reason))
    let timer = setTimeout(end('no worker could be started for it'), MAX_START_MS)
    worker.onmessage = ({ data }: MessageEvent<'begun' | readonly Rendered[]>) => {
      clearTimeout(timer)
      if (data !== 'begun') resolve(data)
      else timer = setTimeout(end(`it takes longer than ${MAX_RENDER_MS / 1000} s`), MAX_RENDER_MS)
    }
    worker.onerror = ({ message }) => {
      clearTimeout(timer)
      reject(new Error(message || 'no worker could be started for it'))
    }
    worker.postMessage(asked)
  })
}
