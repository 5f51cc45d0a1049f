import { resolve } from 'node:path'
import type { HubLookup } from '../hub/index.js'
import { CheckpointFolder } from './folder.js'
import type { RenderTemplate } from './prompt.js'
import { type Checkpoint, readCheckpoint } from './read-checkpoint.js'
import { resolveCheckpoint } from './resolve.js'

export type { Checkpoint, CheckpointGuide } from './read-checkpoint.js'

/** Only some checkpoints have a template. */
const renderTemplate: RenderTemplate = async (template, contexts) =>
  (await import('./render-template.js')).renderTemplate(template, contexts)

/**
 * Opens a checkpoint in the published Hugging Face layout and checks it whole, except for the tensors' values.
 *
 * @param id - A folder, an installed package that carries one, or a pulled model; see `resolveCheckpoint`.
 * @throws {CheckpointError} Naming the file, field or tensor that is missing, invalid or not supported.
 */
export async function openCheckpoint(id: string | URL, hub?: HubLookup): Promise<Checkpoint> {
  const folder = new CheckpointFolder(resolve(await resolveCheckpoint(id, hub)))
  return readCheckpoint(folder, String(id), renderTemplate)
}
