import type {
  JSONObject,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3StreamResult,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider'
import { InvalidOptionError } from '@longtake/core'
import type { AnswerResult, AskOptions, LinkPolicy, WatchedVideo } from '@longtake/runtime'
import type { Lease, WatchedMedia } from '@longtake/runtime/open-videos'
import { localMedia, mediaOf } from './media.js'
import { readPrompt, warningsOf } from './prompt.js'
import type { LongtakeModelOptions } from './provider.js'

const PROVIDER = 'longtake'
const TEXT_ID = 'answer'
const NEVER = new AbortController().signal

/** What a model is made of. */
export interface LanguageModelParts {
  readonly watched: WatchedMedia
  readonly options: LongtakeModelOptions
  readonly links: LinkPolicy | undefined
}

/** One Longtake model as the AI SDK calls it. */
export class LongtakeLanguageModel implements LanguageModelV3 {
  readonly specificationVersion = 'v3'
  readonly provider = PROVIDER
  readonly modelId: string
  /** Links come here as they are, so that ranges are fetched as they are needed, and guarded. */
  readonly supportedUrls = { 'video/*': [/^https?:/], 'image/*': [/^https?:/] }
  readonly #parts: LanguageModelParts

  constructor(modelId: string, parts: LanguageModelParts) {
    this.modelId = modelId
    this.#parts = parts
  }

  async doGenerate(call: LanguageModelV3CallOptions): Promise<LanguageModelV3GenerateResult> {
    const { question, lease } = await this.#watch(call)
    await using _ = lease
    const result = await lease.video.ask(question, askOptions(call))
    return {
      content: [{ type: 'text', text: result.text }],
      ...endOf(lease.video, result),
      warnings: warningsOf(call),
    }
  }

  async doStream(call: LanguageModelV3CallOptions): Promise<LanguageModelV3StreamResult> {
    const { question, lease } = await this.#watch(call)
    const leave = new AbortController()
    const signal = AbortSignal.any([leave.signal, call.abortSignal ?? NEVER])
    const parts = streamParts(question, lease, call, signal)
    const stream = new ReadableStream<LanguageModelV3StreamPart>({
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        leave.abort()
        await parts.return()
      },
    })
    return { stream }
  }

  async #watch(
    call: LanguageModelV3CallOptions,
  ): Promise<{ readonly question: string; readonly lease: Lease<WatchedVideo> }> {
    const { video, ...own } = call.providerOptions?.[PROVIDER] ?? {}
    const { question, media } = readPrompt(call.prompt)
    const { watched, options, links } = this.#parts
    const source = video === undefined ? await mediaOf(media, links) : localMedia(checkPath(video))
    if (source.key === '')
      throw new InvalidOptionError(
        'prompt',
        'a file part with a video, or providerOptions.longtake.video',
        undefined,
      )
    const lease = await watched.acquire(source, { ...options, ...own }, call.abortSignal ?? NEVER)
    return { question, lease }
  }
}

async function* streamParts(
  question: string,
  lease: Lease<WatchedVideo>,
  call: LanguageModelV3CallOptions,
  signal: AbortSignal,
): AsyncGenerator<LanguageModelV3StreamPart, void, undefined> {
  await using _ = lease
  yield { type: 'stream-start', warnings: warningsOf(call) }
  yield { type: 'text-start', id: TEXT_ID }
  try {
    const answer = lease.video.ask(question, { ...askOptions(call), signal })
    for await (const delta of answer) yield { type: 'text-delta', id: TEXT_ID, delta }
    yield { type: 'text-end', id: TEXT_ID }
    yield { type: 'finish', ...endOf(lease.video, await answer) }
  } catch (error) {
    yield { type: 'error', error }
  }
}

function askOptions(call: LanguageModelV3CallOptions): AskOptions {
  const { temperature, topK, topP, seed, maxOutputTokens, stopSequences, abortSignal } = call
  return {
    temperature,
    topK,
    topP,
    seed,
    maxTokens: maxOutputTokens,
    stop: stopSequences,
    signal: abortSignal,
  }
}

/** What every answer ends with. */
function endOf(
  { plan, facts }: WatchedVideo,
  { finishReason, usage, frames, timings, notes }: AnswerResult,
): {
  readonly finishReason: LanguageModelV3FinishReason
  readonly usage: LanguageModelV3Usage
  readonly providerMetadata: SharedV3ProviderMetadata
} {
  // Through JSON, as metadata are: what is not defined falls out.
  const evidence: JSONObject = JSON.parse(JSON.stringify({ video: facts, plan, frames, timings, notes }))
  return {
    finishReason: { unified: finishReason, raw: finishReason },
    usage: {
      inputTokens: {
        total: usage.promptTokens,
        noCache: usage.promptTokens,
        cacheRead: undefined,
        cacheWrite: undefined,
      },
      outputTokens: { total: usage.completionTokens, text: usage.completionTokens, reasoning: undefined },
      raw: { visualTokens: usage.visualTokens },
    },
    providerMetadata: { [PROVIDER]: evidence },
  }
}

function checkPath(video: unknown): string {
  if (typeof video === 'string' && video !== '') return video
  throw new InvalidOptionError('providerOptions.longtake.video', 'the path of a video', video)
}
