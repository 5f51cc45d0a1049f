import { readIntoMemory } from '@longtake/kernels'
import type { RenderTemplate } from '../checkpoint/prompt.js'
import { readCheckpoint } from '../checkpoint/read-checkpoint.js'
import { isBackend } from '../engine/is-backend.js'
import { type Longtake, openLongtake } from '../engine/loaded-longtake.js'
import type { Platform } from '../engine/platform.js'
import { createMemoryScratch } from '../features/memory-scratch.js'
import { throwIfAborted } from '../ort/abort.js'
import { openCheckpointFiles } from './checkpoint-place.js'
import { checkLoad, type LoadOptions, type WebCheckpoint } from './load-options.js'
import { openVideo } from './open-video.js'
import { openWebBackend } from './ort-web.js'

/**
 * Features that are kept for the time of a video, all of them in the page's memory: 450 frames of 576 patches of 1,024
 * floats. Videos that would take more are refused with a sentence.
 */
const MAX_FEATURE_BYTES = 2 ** 30

/** Only some checkpoints have a template. */
const renderTemplate: RenderTemplate = async (template, contexts) =>
  (await import('./render-template.js')).renderTemplate(template, contexts)

const PLATFORM: Platform = {
  openVideo,
  openWeights: async () => readIntoMemory,
  createScratch: (layout) => createMemoryScratch(layout, MAX_FEATURE_BYTES),
}

/**
 * Loads a checkpoint in a browser, in a page or a worker.
 *
 * @param checkpoint - Address of a folder in the published Hugging Face layout, or its files.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 * @throws {EngineError} `ENGINE_UNAVAILABLE` if onnxruntime-web is not installed or cannot start here.
 * @throws {InvalidOptionError} If an option is unknown, out of its range, or not for browsers.
 * @throws {CancelledError} If `signal` fires; nothing is left then.
 */
export async function load(checkpoint: WebCheckpoint, options: LoadOptions = {}): Promise<Longtake> {
  try {
    const { backend, wasmPaths, onProgress, ...asked } = checkLoad(options)
    const { signal, threads } = asked
    throwIfAborted(signal)
    const files = openCheckpointFiles(checkpoint, { onProgress, signal })
    const read = await readCheckpoint(files, files.path, renderTemplate)
    const open = async () =>
      typeof backend === 'string' ? openWebBackend(backend, { threads, wasmPaths }) : backend
    return await openLongtake(read, open, { ...asked, platform: PLATFORM })
  } catch (error) {
    if (isBackend(options?.backend)) await options.backend.close()
    throw error
  }
}
