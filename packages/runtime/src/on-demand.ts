import type { PreparedOptions, PreparedWeights } from './builds/index.js'
import type { PrepareOptions } from './engine/prepare-weights.js'
import type { ModelsOptions, PulledModel, PullOptions } from './hub/index.js'
import type { LinkedVideo, OpenLinkOptions } from './link/open-link.js'
import type { PublishedModel } from './spec/published-models.js'
import type { ModelDescription, ReadSpecOptions } from './spec/read-spec.js'
import type { Picture, StoryboardOptions } from './video/index.js'

// What watching and asking can do without is loaded by the first call, so that importing the package stays quick.

/**
 * Opens a link from a stranger: an `http:` or `https:` address of a video, a picture, an HLS playlist or a page that names
 * a video; or a `data:` URI.
 *
 * Every host is looked up and all its addresses are checked, at every redirect, for every page, playlist and segment, and
 * anew for every range; the connection is made to the checked address. Where the server knows ranges, only what is read is
 * fetched.
 *
 * @throws {LinkError} With a `code` for each way in which a link can be unusable. Reading throws it too.
 * @throws {InvalidOptionError} If policy or cache cannot be used, or `link` is neither a string nor a `URL`.
 * @throws {CancelledError} When `signal` aborts.
 */
export async function openLink(link: string | URL, options: OpenLinkOptions = {}): Promise<LinkedVideo> {
  return (await import('./link/open-link.js')).openLink(link, options)
}

/**
 * Downloads a model from a Hugging Face hub, unless this revision of it is here already. Sizes and hashes are those that
 * the hub lists, every file goes on where an earlier pull stopped, and `load` finds the model only once it is complete.
 *
 * @param id - `org/name` or `org/name@revision`.
 * @throws {HubError} If the hub cannot be reached, refuses, contradicts itself, or the disk has no room.
 * @throws {CheckpointError} `CHECKPOINT_UNSUPPORTED` if the model has no config or no weights that can be read,
 *   `CHECKPOINT_INVALID` if its index names a file that it does not have.
 * @throws {InvalidOptionError} If the id or an option cannot be used.
 * @throws {CancelledError} If `signal` fires; what has arrived is kept for the next pull.
 */
export async function pull(id: string, options: PullOptions = {}): Promise<PulledModel> {
  return (await import('./hub/index.js')).pull(id, options)
}

/** Every model that was pulled and is complete, by id. */
export async function pulledModels(options: ModelsOptions = {}): Promise<PulledModel[]> {
  return (await import('./hub/index.js')).pulledModels(options)
}

/**
 * Removes a pulled model: one revision of it where the id says one, else all, with what is unfinished.
 *
 * @param id - `org/name` or `org/name@revision`.
 * @returns Bytes that were removed.
 * @throws {CheckpointError} `CHECKPOINT_NOT_FOUND` if it is not here.
 * @throws {InvalidOptionError} If the id cannot be one.
 */
export async function removeModel(id: string, options: ModelsOptions = {}): Promise<number> {
  return (await import('./hub/index.js')).removeModel(id, options)
}

/**
 * Describes a model from its config files and the headers of its weight files: what planning must know, how many
 * parameters each part has, and how many bytes they take by storage. No weight is read, nothing is loaded or kept.
 *
 * Of a model that was not pulled the hub is asked for the list of its files, and for its small ones, which are compared
 * with the list; and for the headers of its weights, by range.
 *
 * @param id - As for `load`.
 * @throws {CheckpointError} If there is no such model, or `load` would not take it, as far as that is seen without
 *   weights and tokenizer.
 * @throws {HubError} If the hub cannot be reached, refuses, or contradicts itself.
 * @throws {InvalidOptionError} If the id or an option cannot be used.
 * @throws {CancelledError} If `signal` fires.
 */
export async function readSpec(id: string | URL, options: ReadSpecOptions = {}): Promise<ModelDescription> {
  return (await import('./spec/read-spec.js')).readSpec(id, options)
}

/**
 * Published models of the known families, with sizes that come with Longtake: no network is asked, so a later revision
 * may be of another size. `readSpec` asks the hub.
 */
export async function publishedModels(): Promise<PublishedModel[]> {
  return (await import('./spec/published-models.js')).publishedModels()
}

/**
 * Prepares a checkpoint's weights on disk, so that a later `load` with the same options maps them at once. Runs no model;
 * memory stays at a few hundred MB, whatever the size of the checkpoint.
 *
 * @param id - As for `load`.
 * @returns The prepared weights; those that were there already, where nothing had to be done; undefined where `load` would
 *   keep them in memory, because they are few.
 * @throws {CheckpointError} Naming the file, field or tensor; `CHECKPOINT_BUILD` if the disk is full or cannot be
 *   written.
 * @throws {InvalidOptionError} If an option is unknown or out of its range.
 * @throws {CancelledError} If `signal` fires; what was written is kept, and the next call goes on there.
 */
export async function prepareWeights(
  id: string | URL,
  options: PrepareOptions = {},
): Promise<PreparedWeights | undefined> {
  return (await import('./engine/prepare-weights.js')).prepareWeights(id, options)
}

/**
 * Every complete set of prepared weights, by key.
 *
 * @throws {InvalidOptionError} If the folder is not a path.
 */
export async function preparedWeights(options: PreparedOptions = {}): Promise<PreparedWeights[]> {
  return (await import('./builds/index.js')).preparedWeights(options)
}

/** Removes prepared weights; models that have them loaded go on with them where the system allows that. */
export async function removePrepared(weights: PreparedWeights): Promise<void> {
  return (await import('./builds/index.js')).removePrepared(weights)
}

/**
 * Draws a contact sheet: each frame small, its time below it, a bar for its weight, and an amber border around the
 * frames that mattered (see {@link mattered}). Below them lies a strip over the whole watched time, coloured by heat,
 * with every frame in it. Of more than 64 frames the sheet shows those that say most: the heaviest, and some from every
 * part (see {@link chooseFrames}).
 *
 * @param pictures - In time order.
 * @returns A PNG file.
 * @throws {InvalidOptionError} Without frames, or if `columns`, a weight, a heat or a window is out of range.
 * @throws {ShapeError} If there are not as many timestamps, weights and heats as frames.
 */
export async function storyboard(
  pictures: readonly Picture[],
  options: StoryboardOptions,
): Promise<Uint8Array> {
  return (await import('./video/storyboard.js')).storyboard(pictures, options)
}
