import { type LanguageModelV3, NoSuchModelError, type ProviderV3 } from '@ai-sdk/provider'
import type { PlanOptions } from '@longtake/core'
import { EngineError } from '@longtake/core'
import { type LinkPolicy, type LoadOptions, type Longtake, load } from '@longtake/runtime'
import { WatchedMedia } from '@longtake/runtime/open-videos'
import { LongtakeLanguageModel } from './language-model.js'

/** How videos are watched: the options of `watch`, such as `frames`. A call's `providerOptions.longtake` goes before. */
export interface LongtakeModelOptions extends PlanOptions {}

export interface LongtakeSettings {
  /** Options of `load`, for every model. */
  readonly load?: Omit<LoadOptions, 'signal'> | undefined
  /** Where links of prompts may lead; by default the public internet only. */
  readonly links?: LinkPolicy | undefined
  /** Watched videos that are kept for further questions, of each model; default 2. */
  readonly openVideos?: number | undefined
}

/** Longtake for the AI SDK. Models are loaded by the first call that needs them, and stay loaded until it is closed. */
export interface LongtakeProvider extends ProviderV3, AsyncDisposable {
  /** As `languageModel`. */
  (modelId: string, options?: LongtakeModelOptions): LanguageModelV3
  /**
   * @param modelId - As `load` of `@longtake/runtime` takes it: `@longtake/tiny`, `org/name` that was pulled, or a folder.
   */
  languageModel(modelId: string, options?: LongtakeModelOptions): LanguageModelV3
  /** Closes all videos, and frees all models; calls under way end with an error. */
  close(): Promise<void>
}

const OPEN_VIDEOS = 2

/** Makes a provider for `generateText` and `streamText` of the AI SDK. Close it, or declare it with `await using`. */
export function createLongtake(settings: LongtakeSettings = {}): LongtakeProvider {
  const loaded = new Map<string, Promise<Longtake>>()
  const watched = new Map<string, WatchedMedia>()
  let closing: Promise<void> | undefined

  const modelOf = (id: string): Promise<Longtake> => {
    if (closing !== undefined)
      throw new EngineError('ENGINE_CLOSED', 'The provider was closed; make another one.')
    const known = loaded.get(id)
    if (known !== undefined) return known
    const loading = load(id, settings.load)
    loaded.set(id, loading)
    // A failure is not kept: the model may have been pulled by the next call.
    loading.catch(() => loaded.delete(id))
    return loading
  }
  const watchedOf = (id: string): WatchedMedia => {
    const known = watched.get(id)
    if (known !== undefined) return known
    const media = new WatchedMedia(() => modelOf(id), settings.openVideos ?? OPEN_VIDEOS)
    watched.set(id, media)
    return media
  }
  const close = async (): Promise<void> => {
    await Promise.all([...watched.values()].map((media) => media.close()))
    const models = await Promise.allSettled(loaded.values())
    await Promise.all(models.map((model) => (model.status === 'fulfilled' ? model.value.close() : undefined)))
  }
  const languageModel = (modelId: string, options: LongtakeModelOptions = {}): LanguageModelV3 =>
    new LongtakeLanguageModel(modelId, { watched: watchedOf(modelId), options, links: settings.links })

  const closeOnce = (): Promise<void> => {
    closing ??= close()
    return closing
  }
  return Object.assign(languageModel, {
    specificationVersion: 'v3' as const,
    languageModel,
    embeddingModel: (modelId: string): never => {
      throw new NoSuchModelError({ modelId, modelType: 'embeddingModel' })
    },
    imageModel: (modelId: string): never => {
      throw new NoSuchModelError({ modelId, modelType: 'imageModel' })
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  })
}
