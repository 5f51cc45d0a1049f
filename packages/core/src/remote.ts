import { InvalidOptionError } from './errors.js'
import { arrangeInput } from './input.js'
import type { PlanOptions, VideoPlan } from './plan-types.js'
import { readPooling } from './pooling-request.js'
import type { ModelSpec, VideoFacts } from './spec.js'
import { contextTokens, type TextReserve, textReserve } from './text-reserve.js'

/** What nothing can be said of where the model runs elsewhere. A budget for its KV cache is kept by having none here. */
const THEIRS = ['layout', 'rope', 'kvCache', 'prefillChunk', 'pooling'] as const

/** Values of these that ask for nothing. */
const NOTHING: readonly unknown[] = [undefined, 'none', 'auto']

/** A model behind somebody's API. */
export type RemoteSpec = ModelSpec & Required<Pick<ModelSpec, 'remote'>>

/**
 * The plan for a model that runs elsewhere: which pictures are read, and how many of them go with a question. Context,
 * RoPE and KV cache are its own.
 *
 * @throws {InvalidOptionError} If an option is out of its range, or about what only the endpoint decides.
 * @throws {VideoError} `VIDEO_EMPTY` if the video is known to have no pictures.
 */
export function planRemote(spec: RemoteSpec, video: VideoFacts, options: PlanOptions): VideoPlan {
  for (const name of THEIRS) {
    if (NOTHING.includes(options[name])) continue
    throw new InvalidOptionError(name, 'nothing: the model runs elsewhere, which decides that', options[name])
  }
  const request = readPooling(spec, { ...options, pooling: 'none' })
  const { pooled: _, notes, ...input } = arrangeInput(spec, video, options, request)
  const text = textReserve(spec, options)
  const sent = sentFrames(spec, input.frames, text, request.tokenBudget)
  const visualTokens = sent * spec.encoder.tokensPerFrame
  return {
    ...input,
    notes: [
      ...notes,
      ...noteSent(spec, input.frames, sent),
      'The model runs elsewhere: context, RoPE and KV cache are its own, and tokens of pictures are an estimate.',
    ],
    sent,
    pooling: null,
    visualTokens,
    trailingTokens: 0,
    contextTokens: contextTokens(visualTokens, text),
    maxNewTokens: text.answer,
    rope: {
      type: 'none',
      scale: 1,
      theta: spec.rope.theta,
      inverseFrequencies: [],
      attentionFactor: 1,
    },
    kvCache: { type: spec.defaults.kvCache, bytes: 0 },
    prefillChunks: 0,
    prefillChunk: text.prefillChunk,
  }
}

/** As many as are sampled, sent, and held by the budget, and by the context beside the text. */
function sentFrames(
  { remote, encoder, context }: RemoteSpec,
  frames: number,
  { prompt, answer }: TextReserve,
  tokenBudget = Number.POSITIVE_INFINITY,
): number {
  const { tokensPerFrame } = encoder
  if (tokenBudget < tokensPerFrame)
    throw new InvalidOptionError('tokenBudget', `at least ${tokensPerFrame} tokens, one picture`, tokenBudget)
  const room = context.trainedLength - prompt - answer
  if (room < tokensPerFrame) {
    const need = `room for a picture of about ${tokensPerFrame} tokens beside ${prompt + answer} of text; lower promptTokens and maxNewTokens`
    throw new InvalidOptionError('remote.contextTokens', need, context.trainedLength)
  }
  return Math.min(frames, remote.sendFrames, Math.floor(Math.min(room, tokenBudget) / tokensPerFrame))
}

function noteSent({ remote, encoder }: RemoteSpec, frames: number, sent: number): string[] {
  const most = Math.min(frames, remote.sendFrames)
  const held =
    sent < most
      ? [
          `${sent} pictures of about ${encoder.tokensPerFrame} tokens are what context or budget hold, not ${most}.`,
        ]
      : []
  return sent < frames ? [...held, `Of ${frames} frames ${sent} go with each question.`] : held
}
