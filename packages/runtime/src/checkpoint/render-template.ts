import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Rendered } from './prompt.js'
import {
  MAX_PROMPT_CHARACTERS,
  MAX_RENDER_MS,
  MAX_START_MS,
  MAX_TEMPLATE_CHARACTERS,
} from './template-limits.js'

const require = createRequire(import.meta.url)

/** Memory of a thread, where the runtime can bound it. */
const MAX_HEAP_MB = 256

/**
 * Renders a chat template for each of some contexts.
 *
 * A template is a program that came with the checkpoint, and may loop for ever or make endless text. So it runs in a
 * thread of its own, which is ended when it has taken too long.
 */
export async function renderTemplate(
  template: string,
  contexts: readonly object[],
): Promise<readonly Rendered[]> {
  const refusal = (failure: string): Rendered[] => contexts.map(() => ({ failure }))
  if (template.length > MAX_TEMPLATE_CHARACTERS)
    return refusal(`it has more than ${MAX_TEMPLATE_CHARACTERS} characters`)
  const jinja = pathToFileURL(require.resolve('@huggingface/jinja')).href
  const worker = new Worker(RENDER, {
    eval: true,
    workerData: { jinja, template, contexts, most: MAX_PROMPT_CHARACTERS },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  try {
    return await outcome(worker)
  } catch (error) {
    return refusal((error as Error).message)
  } finally {
    await worker.terminate()
  }
}

/** Posts once that it begins, then what came out. */
const RENDER = `
import('node:worker_threads').then(async ({ parentPort, workerData: { jinja, template, contexts, most } }) => {
  const { Template } = await import(jinja)
  parentPort.postMessage('begun')
  parentPort.postMessage(contexts.map((context) => {
    try {
      const text = new Template(template).render(context)
      return text.length > most ? { failure: 'it makes more than ' + most + ' characters' } : { text }
    } catch (error) {
      return { failure: String(error?.message ?? error).slice(0, 500) }
    }
  }))
})`

function outcome(worker: Worker): Promise<readonly Rendered[]> {
  return new Promise((resolve, reject) => {
    const end = (reason: string) => () => reject(new Error(reason))
    let timer = setTimeout(end('no thread could be started for it'), MAX_START_MS)
    worker.on('message', (message: 'begun' | readonly Rendered[]) => {
      clearTimeout(timer)
      if (message !== 'begun') resolve(message)
      else timer = setTimeout(end(`it takes longer than ${MAX_RENDER_MS / 1000} s`), MAX_RENDER_MS)
    })
    const fail = (error?: unknown): void => {
      clearTimeout(timer)
      reject(new Error(error instanceof Error ? error.message : 'its thread ended'))
    }
    worker.on('error', fail)
    worker.on('exit', fail)
  })
}
