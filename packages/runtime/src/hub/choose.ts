import { CheckpointError } from '@longtake/core'
import type { HubFile, Revision } from './listing.js'

/** Configs, tokenizers and templates, in the folder itself and in that of a text guide. */
const TEXT_FILE = /^(?:clip\/)?[^/]+\.(?:json|jinja|model|txt)$/
const INDEX = 'model.safetensors.index.json'

/**
 * The files of a revision that loading needs: configs, tokenizers, and weights as safetensors. Left out are weights of
 * other kinds, pictures, and other folders.
 *
 * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` where there is no config or no safetensors file.
 * @throws {HubError} `HUB_INVALID` where the hub does not say size and hash of one.
 */
export function chooseFiles(id: string, revision: Revision): HubFile[] {
  const { paths } = revision
  const weights = chooseWeights(paths)
  if (!paths.includes('config.json') || weights.length === 0) {
    const lacking = weights.length === 0 ? 'weights in .safetensors files' : 'config.json'
    throw new CheckpointError(
      'CHECKPOINT_UNSUPPORTED',
      `${id} has no ${lacking}: it cannot be loaded, and nothing was downloaded.`,
    )
  }
  // Other indexes than that of the chosen weights only name files that are left out.
  const texts = paths.filter(
    (path) => TEXT_FILE.test(path) && (!path.endsWith('.index.json') || path === INDEX),
  )
  return [...texts, ...weights].map((path) => revision.file(path))
}

/** By the rule that opens a folder: shards where there is an index, else the one file, else all of them. */
function chooseWeights(paths: readonly string[]): string[] {
  const all = paths.filter((path) => /^[^/]+\.safetensors$/.test(path))
  if (!paths.includes(INDEX)) return all.includes('model.safetensors') ? ['model.safetensors'] : all
  const shards = all.filter((path) => /-\d+-of-\d+\.safetensors$/.test(path))
  return shards.length > 0 ? shards : all
}
