import {
  formatTimestamp,
  type ModelSpec,
  type PoolingPlan,
  type VideoFacts,
  type VideoPlan,
} from '@longtake/core'
import { isRemoteId, modelsFolder, readSpec } from '@longtake/runtime'
import { count, describeVideo, formatBytes, formatCount } from '../describe.js'
import { openInput, shownInput } from '../input.js'
import { linkOptions } from '../link-options.js'
import { type Machine, readMachine } from '../machine.js'
import type { Session } from '../main.js'
import { type ModelFlags, requireRemote } from '../model-options.js'
import { type AnswerFlags, planOptions, type WatchFlags } from '../options.js'
import { Progress } from '../progress.js'
import { reportPlanDetails } from '../report.js'
import { measureResources, type Resources, usableMemory, WEIGHTS } from '../resources.js'
import type { Terminal } from '../terminal.js'
import { planFor, prepare, readFacts } from '../watching.js'

export interface PlanFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly json?: boolean
  readonly offline?: boolean
}

/** Width of the first column. */
const LABEL_WIDTH = 10

/** `longtake plan`: what watching would read, encode and hold; loads no model, and downloads none. */
export async function plan(files: readonly string[], flags: PlanFlags, session: Session): Promise<void> {
  const { out, io } = session
  if (isRemoteId(flags.model)) return planRemote(files, flags, session)
  requireRemote(flags)
  const { model, facts, plan, notes } = await describe(files, flags, session)
  const machine = await readMachine(modelsFolder(io.env))
  const { weights = model.defaultWeights, memory: memoryBudgetBytes } = flags
  const resources = measureResources(model, plan, { weights, memoryBudgetBytes }, machine)
  if (flags.json) {
    const report = reportPlanDetails(flags.model, facts, plan, notes)
    out.line(JSON.stringify({ ...report, resources }, null, 2))
    return
  }
  printInput(out, files, facts)
  row(out, 'model', `${flags.model} (${describeModel(model.spec)})`)
  printPlan(out, facts, plan, model.spec)
  printResources(out, resources)
  for (const note of notes) row(out, 'note', note)
}

/** The same for a model behind an API, which is not asked anything. */
async function planRemote(files: readonly string[], flags: PlanFlags, session: Session): Promise<void> {
  const { out, err } = session
  await using prepared = await prepare(files, flags, session, new Progress(err, { quiet: true }))
  const { facts, plan, notes, longtake } = prepared
  if (flags.json) {
    out.line(JSON.stringify(reportPlanDetails(flags.model, facts, plan, notes), null, 2))
    return
  }
  printInput(out, files, facts)
  row(out, 'model', `${flags.model} (runs elsewhere)`)
  printPlan(out, facts, plan, longtake.spec)
  for (const note of notes) row(out, 'note', note)
}

function printInput(out: Terminal, files: readonly string[], facts: VideoFacts): void {
  const kind = facts.stills === undefined ? 'video' : 'images'
  row(out, kind, `${files.map(shownInput).join(', ')}: ${describeVideo(facts)}`)
}

/** The video's facts, the model's description, and the plan for both. */
async function describe(files: readonly string[], flags: PlanFlags, { io, signal }: Session) {
  // A slip in the flags should not have to wait for anything.
  planOptions(flags)
  const linkNotes: string[] = []
  await using opened = await openInput(files, linkOptions(flags, io.env, linkNotes, signal))
  const { facts, notes } = await readFacts(opened.input, signal)
  const { HF_ENDPOINT: endpoint, HF_TOKEN: token = '' } = io.env
  const hub = { folder: modelsFolder(io.env), endpoint: endpoint || undefined, token, offline: flags.offline }
  const model = await readSpec(flags.model, { hub, signal })
  const { plan } = planFor(model.spec, facts, flags)
  return { model, facts, plan, notes: [...linkNotes, ...notes, ...plan.notes] }
}

function printResources(
  out: Terminal,
  { download, parameters, weights, memory, machine, fits }: Resources,
): void {
  const isHere = download.files === 0
  const amount = `${formatBytes(download.bytes)} in ${count(download.files, 'file')}`
  row(out, 'download', isHere ? 'nothing, the model is here' : `${amount}: longtake pull fetches them`)
  const storages = WEIGHTS.map((type) => `${type} ${formatBytes(weights[type])}`).join(', ')
  row(out, 'weights', `${formatCount(parameters)} parameters: ${storages}`)
  const { storage, kvCache, working, answering, peak } = memory
  const parts = `weights ${formatBytes(memory.weights)}, KV cache ${formatBytes(kvCache)}, work ${formatBytes(working)}`
  row(out, 'memory', `about ${formatBytes(answering)} with ${storage} weights (${parts})`)
  if (peak > answering) row(out, 'at most', `about ${formatBytes(peak)}, while the KV cache is compressed`)
  row(out, 'fits', describeFit(fits, machine))
}

function describeFit(fits: Resources['fits'], machine: Machine): string {
  const memory = `${formatBytes(usableMemory(machine))} of memory are free`
  const room = fits.memory
    ? `yes, ${memory}`
    : `no, ${memory}: try --weights int4, --memory, or fewer --frames`
  if (fits.disk !== false || machine.freeDisk === undefined) return room
  return `${room}; the download does not fit: ${formatBytes(machine.freeDisk)} are free on the disk`
}

/** A plan in a few lines. */
export function printPlan(out: Terminal, facts: VideoFacts, plan: VideoPlan, spec: ModelSpec): void {
  row(out, 'read', describeReading(facts, plan))
  if (spec.remote !== undefined) {
    const side = `at most ${spec.encoder.imageSize} pixels a side`
    row(out, 'send', `${plan.sent} of them with each question, ${side}, about ${plan.visualTokens} tokens`)
    return
  }
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
