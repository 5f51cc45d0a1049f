import { formatTimestamp, InvalidOptionError, type VideoFacts, type VideoPlan } from '@longtake/core'
import type { CheckedAsk } from '../engine/ask-options.js'

/** A frame as it is sent. */
interface SentFrame {
  readonly index: number
  readonly timestampSeconds: number
  /** A JPEG file. */
  readonly jpeg: Uint8Array
}

/** What a question is about. */
export interface AskedContents {
  readonly model: string
  readonly plan: Pick<VideoPlan, 'maxNewTokens'>
  readonly facts: VideoFacts
  /** In time order. */
  readonly frames: readonly SentFrame[]
}

/** What a model does not take as others do. OpenAI's own newer ones refuse what all others know. */
export interface Dialect {
  /** Whether `max_tokens` is called `max_completion_tokens`. */
  readonly namesCompletion: boolean
  /** Whether its temperature cannot be chosen. */
  readonly fixesTemperature: boolean
}

/**
 * A question as OpenAI's chat API takes it: each frame after its time, then the question.
 *
 * @returns JSON.
 */
export function chatRequest(
  { model, plan, facts, frames }: AskedContents,
  ask: CheckedAsk,
  dialect: Dialect,
): string {
  const images = frames.flatMap((frame) => [textPart(labelOf(frame, facts)), imagePart(frame)])
  return JSON.stringify({
    model,
    messages: [{ role: 'user', content: [...images, textPart(ask.question)] }],
    stream: true,
    stream_options: { include_usage: true },
    [dialect.namesCompletion ? 'max_completion_tokens' : 'max_tokens']: ask.maxTokens ?? plan.maxNewTokens,
    ...(ask.stops.length > 0 && { stop: ask.stops }),
    ...sampling(ask, dialect),
  })
}

/** @throws {InvalidOptionError} If a trace is asked for, of which only a model of this machine knows something. */
export function refuseTrace({ trace }: CheckedAsk): void {
  if (trace)
    throw new InvalidOptionError(
      'trace',
      'false: the model runs elsewhere, and does not say how it read',
      trace,
    )
}

/** What is not said is greedy, or left to the server where its own defaults were asked for. */
function sampling(
  { sampling: asked, samplingDefaults }: CheckedAsk,
  { fixesTemperature }: Dialect,
): Record<string, number | undefined> {
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = asked
  const isGreedy = samplingDefaults === 'greedy' && !fixesTemperature
  return {
    temperature: temperature ?? (isGreedy ? 0 : undefined),
    top_p: topP,
    seed,
    // No fields of OpenAI's: vLLM and llama.cpp know them, the last one by two names.
    top_k: topK,
    min_p: minP,
    repetition_penalty: repetitionPenalty,
    repeat_penalty: repetitionPenalty,
  }
}

function labelOf({ index, timestampSeconds }: SentFrame, { stills }: VideoFacts): string {
  return stills === undefined ? `[${formatTimestamp(timestampSeconds)}]` : `[picture ${index + 1}]`
}

function textPart(text: string) {
  return { type: 'text', text }
}

function imagePart({ jpeg }: SentFrame) {
  const base64 = Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.length).toString('base64')
  return { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${base64}` } }
}
