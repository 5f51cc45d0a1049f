import type { AnswerReport } from '../videos/report.js'
import type { Asked } from './ask.js'

export function usageOf({ usage }: AnswerReport) {
  const { promptTokens, visualTokens, completionTokens } = usage
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { video_tokens: visualTokens },
  }
}

/** What an answer rests on, and what it took. */
export function evidenceOf({ video, plan, frames, timings, notes }: AnswerReport) {
  return { video, plan, frames, timings, notes }
}

/** A whole answer as OpenAI's clients read it. */
export function completionOf({ id, model, created }: Asked, report: AnswerReport) {
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion' as const,
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant' as const, content: report.text, refusal: null },
        logprobs: null,
        finish_reason: report.finishReason,
      },
    ],
    usage: usageOf(report),
    longtake: evidenceOf(report),
  }
}
