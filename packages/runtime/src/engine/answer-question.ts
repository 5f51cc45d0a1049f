import type { VideoPlan } from '@longtake/core'
import type { PromptIds } from '../checkpoint/prompt.js'
import type { AnswerResult } from './answer.js'
import type { CheckedAsk, SamplingOptions } from './ask-options.js'
import type { AttentionMap } from './context.js'
import type { Conversation, VideoReading } from './conversation.js'
import { generate } from './generate.js'
import type { Models } from './models.js'
import { attentionToVideo, weighFrames } from './relevance.js'
import { makeSampler } from './sampler.js'
import { TextStream } from './text-stream.js'
import { type AnswerTrace, traceAnswer } from './trace.js'
import type { WatchTimings } from './watch-options.js'

/** One question of a watched video. */
export interface QuestionWork {
  readonly models: Models
  readonly plan: VideoPlan
  readonly timestamps: readonly number[]
  readonly timings: WatchTimings
  readonly conversation: Conversation
  readonly ask: CheckedAsk
  /** The prompt's tokens before the video, and after it with the question. */
  readonly ids: PromptIds
  /** Tokens that an answer may have. */
  readonly room: number
  readonly write: (text: string) => void
  readonly signal: AbortSignal
}

/**
 * Answers a question.
 *
 * @throws {EngineError} If running fails.
 * @throws {CancelledError} If the signal fires, within one step; the next question finds everything as it was.
 */
export async function answerQuestion(work: QuestionWork): Promise<AnswerResult> {
  const { ask, conversation, signal } = work
  const start = performance.now()
  const reading = await conversation.read(ask.question, signal)
  try {
    return await answerFrom(work, reading, start)
  } finally {
    reading.release()
  }
}

async function answerFrom(work: QuestionWork, reading: VideoReading, start: number): Promise<AnswerResult> {
  const { models, plan, timings, ask, ids, signal } = work
  const { context } = reading
  const promptTokens = context.length + ids.after.length
  const visualStart = context.length - plan.visualTokens
  const embeds = await models.embed(ids.after, signal)
  const asked = await context.feed(embeds, { signal, mode: 'answer', attention: true })
  const frameTokens = plan.visualTokens - plan.trailingTokens
  const attention = attentionToVideo(frameTokens, evidenceLayers(models, asked.attention), visualStart)
  let text = ''
  let firstToken = 0
  const generated = await generate(models, context, asked.logits, {
    sampler: makeSampler(samplingOf(ask, models), [...ids.before, ...ids.after]),
    text: new TextStream(models.checkpoint.decode, ask.stops),
    maxTokens: Math.min(ask.maxTokens ?? plan.maxNewTokens, work.room),
    eosTokenIds: models.checkpoint.model.eosTokenIds,
    write: (piece) => {
      text += piece
      work.write(piece)
    },
    onFirstToken: () => {
      firstToken = performance.now() - start
    },
    signal,
  })
  return {
    text,
    frames: weighFrames(plan, attention, reading.guide?.relevance, work.timestamps),
    usage: { promptTokens, visualTokens: plan.visualTokens, completionTokens: generated.ids.length },
    timings: { ...timings, firstToken, total: performance.now() - start },
    finishReason: generated.finishReason,
    notes: reading.notes,
    ...(ask.trace && traceOf(work, reading, attention)),
  }
}

/** What the caller said, then what the checkpoint says where that was asked for. */
function samplingOf({ sampling, samplingDefaults }: CheckedAsk, { checkpoint }: Models): SamplingOptions {
  if (samplingDefaults === 'greedy') return sampling
  const said = Object.entries(sampling).filter(([, value]) => value !== undefined)
  return { ...checkpoint.sampling(), ...Object.fromEntries(said) }
}

function evidenceLayers({ checkpoint }: Models, attention: readonly AttentionMap[]): readonly AttentionMap[] {
  const { evidenceLayer } = checkpoint.model
  return attention.filter((_, layer) => layer === (evidenceLayer ?? layer))
}

function traceOf(
  { models, plan, ask, ids }: QuestionWork,
  reading: VideoReading,
  attention: Float64Array,
): { trace?: AnswerTrace } {
  const { pooling } = plan
  if (pooling === null) return {}
  const prompt = {
    before: models.checkpoint.decode(ids.before),
    after: models.checkpoint.decode(ids.after),
  }
  const asked = { question: ask.question, prompt }
  return { trace: traceAnswer({ ...plan, pooling }, asked, reading, attention) }
}
