import { CheckpointError } from '@longtake/core'
import type { HubFile } from './listing.js'
import type { HubRepository } from './repository.js'

/** Configs, tokenizers and templates: in the folder itself, in that of a text guide, and in that of a tower's config. */
const TEXT_FILE = /^(?:clip\/|video_tower\/)?[^/]+\.(?:json|jinja|model|txt)$/

/** A file to download. */
export interface ChosenFile extends HubFile {
  readonly from: HubRepository
  /** Its path there; `path` is where it goes to here. */
  readonly remotePath: string
}

/**
 * The files of a revision that loading needs: configs, tokenizers, and weights as safetensors, or where there are none as
 * torch writes them. Left out are weights of other kinds, pictures, and other folders. Of the files only an index is read.
 *
 * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` where there is no config or there are no weights;
 *   `CHECKPOINT_INVALID` where the index names a file that the revision does not have.
 * @throws {HubError} `HUB_INVALID` where the hub does not say size and hash of one.
 */
export async function chooseFiles(repository: HubRepository): Promise<ChosenFile[]> {
  const { path: id, revision } = repository
  const weights = await repository.weightNames()
  if (!repository.has('config.json') || weights === undefined) {
    const lacking = weights === undefined ? 'weights in .safetensors, .bin or .pth files' : 'config.json'
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${id} has no ${lacking}: it cannot be loaded, and nothing was downloaded.`,
    )
  }
  const missing = weights.names.find((name) => !repository.has(name))
  if (missing !== undefined) {
    throw new CheckpointError(
      'CHECKPOINT_INVALID',
      `${id}: ${weights.index} names ${missing}, which the model does not have. Nothing was downloaded: try another revision.`,
    )
  }
  // Other indexes than that of the chosen weights only name files that are left out.
  const texts = revision.paths.filter(
    (path) => TEXT_FILE.test(path) && (!path.endsWith('.index.json') || path === weights.index),
  )
  return [...texts, ...weights.names].map((path) => chosen(repository, path, path))
}

/** A file of a revision, to be put at `path`. */
export function chosen(from: HubRepository, remotePath: string, path: string): ChosenFile {
  return { ...from.revision.file(remotePath), path, from, remotePath }
}
