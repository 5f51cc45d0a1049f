import {
  formatTimestamp,
  type ModelSpec,
  type PoolingPlan,
  type VideoFacts,
  type VideoPlan,
} from '@longtake/core'
import { count, describeVideo, formatBytes } from '../describe.js'
import type { Session } from '../main.js'
import type { AnswerFlags, ModelFlags, WatchFlags } from '../options.js'
import { Progress } from '../progress.js'
import { reportPlanDetails } from '../report.js'
import type { Terminal } from '../terminal.js'
import { prepare } from '../watching.js'

export interface PlanFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly json?: boolean
}

/** Width of the first column. */
const LABEL_WIDTH = 10

/** `longtake plan`: what watching would read, encode and hold; runs no model. */
export async function plan(files: readonly string[], flags: PlanFlags, session: Session): Promise<void> {
  const { out, err } = session
  const progress = new Progress(err, { quiet: true })
  await using prepared = await prepare(files, flags, session, progress)
  const { facts, plan, notes, longtake } = prepared
  if (flags.json) {
    out.line(JSON.stringify(reportPlanDetails(flags.model, facts, plan, notes), null, 2))
    return
  }
  row(out, facts.stills === undefined ? 'video' : 'images', `${files.join(', ')}: ${describeVideo(facts)}`)
  row(out, 'model', `${flags.model} (${describeModel(longtake.spec)})`)
  printPlan(out, facts, plan, longtake.spec)
  for (const note of notes) row(out, 'note', note)
}

/** A plan in a few lines. */
export function printPlan(out: Terminal, facts: VideoFacts, plan: VideoPlan, spec: ModelSpec): void {
  row(out, 'read', describeReading(facts, plan))
  row(out, 'encode', describeEncoding(plan, spec))
  if (plan.pooling !== null) row(out, 'pooling', describePooling(plan.pooling))
  const text = plan.contextTokens - plan.visualTokens
  row(out, 'context', `${plan.visualTokens} visual + ${text} text = ${plan.contextTokens} tokens`)
  const trained = `trained on ${spec.context.trainedLength}`
  row(out, 'RoPE', `${plan.rope.type}, scale ${plan.rope.scale.toFixed(2)} (${trained})`)
  row(out, 'KV cache', `${plan.kvCache.type}, ${formatBytes(plan.kvCache.bytes)}`)
  row(out, 'prefill', `${count(plan.prefillChunks, 'step')} of up to ${plan.prefillChunk} tokens`)
}

function describeModel({ family, encoder, context }: ModelSpec): string {
  const tokens = `${count(encoder.tokensPerFrame, 'token')} a frame`
  return `${family}, ${count(encoder.framesPerClip, 'frame')} at once, ${tokens}, trained on ${context.trainedLength} tokens`
}

function describeEncoding({ clips, layout, crops }: VideoPlan, { encoder }: ModelSpec): string {
  if (crops !== undefined) {
    const tiles = crops.reduce((sum, crop) => sum + crop.tiles[0] * crop.tiles[1], 0)
    return `${count(crops.length, 'whole picture')}, ${count(tiles, 'tile')}`
  }
  const clip = clips[0]?.length ?? encoder.framesPerClip
  return `${count(clips.length, 'clip')} of ${count(clip, 'frame')}, ${layout}`
}

/** Tokens before and after. */
function describePooling({ method, kernel, stride, tokensBefore, tokens }: PoolingPlan): string {
  const isApart = kernel.some((size, axis) => size !== stride[axis])
  const step = isApart ? `, one every ${stride.join('×')}` : ''
  const share = (100 * (1 - tokens / tokensBefore)).toFixed(1)
  return `${method}, windows of ${kernel.join('×')}${step}: ${tokensBefore} → ${tokens} tokens (${share} % fewer)`
}

function describeReading(
  { durationSeconds, stills }: VideoFacts,
  { frames, timestamps, sampling }: VideoPlan,
): string {
  if (stills !== undefined) return count(stills, 'picture')
  const how = sampling === 'keyframe' ? 'at keyframes' : 'at exact times'
  const first = timestamps[0] ?? 0
  const last = timestamps.at(-1) ?? first
  if (durationSeconds === 0 || frames === 1) return `${count(frames, 'frame')} at ${formatTimestamp(first)}`
  const step = (last - first) / (frames - 1)
  return `${frames} frames from ${formatTimestamp(first)} to ${formatTimestamp(last)}, one every ${step.toFixed(2)} s, ${how}`
}

function row(out: Terminal, label: string, value: string): void {
  out.line(`${out.style('bold', label.padEnd(LABEL_WIDTH))}${out.plain(value)}`)
}
