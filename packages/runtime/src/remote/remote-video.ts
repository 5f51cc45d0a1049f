import type { PictureRegion } from '@longtake/kernels'
import type { AnswerResult, FrameWeight } from '../engine/answer.js'
import { type AskOptions, type CheckedAsk, checkAsk } from '../engine/ask-options.js'
import { type AskedParts, AskedVideo } from '../engine/asked-video.js'
import type { WatchTimings } from '../engine/watch-options.js'
import { readAnswer } from './answer-stream.js'
import { chatRequest, type Dialect, refuseTrace } from './chat-request.js'
import { chooseSent } from './choose-sent.js'
import type { Endpoint } from './endpoint.js'
import type { GuidedVideo } from './guide.js'

/** The whole picture is sent. */
const WHOLE: PictureRegion = { left: 0, top: 0, width: 1, height: 1 }

export interface RemoteParts extends Omit<AskedParts, 'hasWeights' | 'hasRelevance'> {
  readonly endpoint: Endpoint
  readonly guide: GuidedVideo | undefined
  /** JPEG files, `[F]`. */
  readonly jpegs: readonly Uint8Array[]
  /** Estimate, of one picture. */
  readonly tokensPerFrame: number
  readonly timings: WatchTimings
}

/** A video whose frames are kept, and some of them sent with each question. */
export class RemoteVideo extends AskedVideo {
  readonly #parts: RemoteParts

  constructor(parts: RemoteParts) {
    const isGuided = parts.guide !== undefined
    super({ ...parts, hasWeights: isGuided, hasRelevance: isGuided })
    this.#parts = parts
  }

  protected override prepare(
    question: string,
    options: AskOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): () => Promise<AnswerResult> {
    const ask = checkAsk(question, options)
    refuseTrace(ask)
    return () => this.#answer(ask, write, signal)
  }

  protected override async release(): Promise<void> {
    await this.#parts.guide?.close()
  }

  protected override seenOf(): PictureRegion {
    return WHOLE
  }

  async #answer(ask: CheckedAsk, write: (text: string) => void, signal: AbortSignal): Promise<AnswerResult> {
    const { endpoint, guide, tokensPerFrame, timings } = this.#parts
    const start = performance.now()
    const { relevance, notes } = (await guide?.relevance(ask.question, signal)) ?? {
      relevance: undefined,
      notes: [],
    }
    const { frames, sent: most = frames } = this.plan
    const sent = chooseSent(relevance, frames, most, this.facts.stills === undefined)
    const reply = await endpoint.ask((dialect) => this.#request(ask, sent, dialect), signal)
    let firstToken: number | undefined
    const answer = await readAnswer(reply, endpoint.asking, (text) => {
      firstToken ??= performance.now() - start
      write(text)
    })
    const { prompt = 0, completion = 0 } = answer.usage ?? {}
    const total = performance.now() - start
    return {
      text: answer.text,
      frames: weighSent(this.timestamps, sent, relevance),
      usage: {
        promptTokens: prompt,
        visualTokens: Math.min(prompt, sent.length * tokensPerFrame),
        completionTokens: completion,
      },
      timings: { ...timings, firstToken: firstToken ?? total, total },
      finishReason: answer.finishReason,
      notes: [
        ...notes,
        `${sent.length} of ${this.timestamps.length} frames were sent to ${endpoint.host}. Weights tell what was sent, not what was read.`,
        ...(endpoint.dialect.fixesTemperature && ask.sampling.temperature === undefined
          ? [
              'The model does not let its temperature be chosen, so that answers may differ from time to time.',
            ]
          : []),
        ...answer.notes,
      ],
    }
  }

  #request(ask: CheckedAsk, sent: readonly number[], dialect: Dialect): string {
    const { endpoint, jpegs } = this.#parts
    const frames = sent.map((index) => ({
      index,
      timestampSeconds: this.timestamps[index]!,
      jpeg: jpegs[index]!,
    }))
    return chatRequest({ model: endpoint.model, plan: this.plan, facts: this.facts, frames }, ask, dialect)
  }
}

/** What was sent shares the weight, by relevance where a guide knows it; nothing else has any. */
function weighSent(
  timestamps: readonly number[],
  sent: readonly number[],
  relevance: readonly number[] | undefined,
): FrameWeight[] {
  const isSent = new Set(sent)
  const total = sent.reduce((sum, index) => sum + (relevance?.[index] ?? 0), 0)
  const shareOf = (index: number): number => (total > 0 ? relevance![index]! / total : 1 / sent.length)
  return timestamps.map((timestamp, index) => ({
    index,
    timestamp,
    weight: isSent.has(index) ? shareOf(index) : 0,
    ...(relevance && { relevance: relevance[index]! }),
  }))
}
