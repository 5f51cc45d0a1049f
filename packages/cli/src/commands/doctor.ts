import { availableParallelism } from 'node:os'
import { CancelledError } from '@longtake/core'
import { load, modelsFolder } from '@longtake/runtime'
import { openBackend } from '@longtake/runtime/ort'
import { measureCache } from '../cache-size.js'
import { count, formatBytes } from '../describe.js'
import { EMBEDDED_MODELS } from '../embedded.js'
import { describeFailure, ExitCode } from '../exit-code.js'
import { listKnownModels, printKnownModels } from '../known-models.js'
import { readMachine } from '../machine.js'
import type { Session } from '../main.js'
import { cachePath } from '../model-options.js'

export interface DoctorFlags {
  readonly json?: boolean
}

interface Check {
  readonly name: string
  /** `warning`: works, but not as well as it could. */
  readonly state: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** Oldest Node that Longtake is tested on. */
const MIN_NODE = [20, 19] as const
/** Less memory than this holds a small checkpoint, but little video. */
const LOW_MEMORY_BYTES = 1e9

/** Codecs that Longtake reads, with the name of FFmpeg's id for each. */
const CODECS = {
  'H.264': 'AV_CODEC_ID_H264',
  HEVC: 'AV_CODEC_ID_HEVC',
  VP8: 'AV_CODEC_ID_VP8',
  VP9: 'AV_CODEC_ID_VP9',
  AV1: 'AV_CODEC_ID_AV1',
  ProRes: 'AV_CODEC_ID_PRORES',
  'MPEG-4': 'AV_CODEC_ID_MPEG4',
  'Motion JPEG': 'AV_CODEC_ID_MJPEG',
} as const

/**
 * `longtake doctor`: whether everything that Longtake needs is here and works, and which models this machine has room for.
 *
 * @returns `answered`, or `model` if something failed.
 */
export async function doctor({ json }: DoctorFlags, session: Session): Promise<ExitCode> {
  const { out } = session
  const checks: Check[] = []
  for (const check of [checkRuntime, checkMemory, checkBackend, checkDecoders, checkCache, checkCheckpoint]) {
    if (session.signal.aborted) throw new CancelledError()
    const found = await check(session)
    checks.push(found)
    if (!json) printCheck(found, session)
  }
  const machine = await readMachine(modelsFolder(session.io.env))
  const models = await listKnownModels(machine, session)
  if (json) out.line(JSON.stringify({ checks, machine, models }, null, 2))
  else printKnownModels(models, machine, session)
  return checks.some(({ state }) => state === 'failed') ? ExitCode.model : ExitCode.answered
}

async function checkRuntime(): Promise<Check> {
  const { versions, platform, arch } = process
  const other = versions.bun ? `Bun ${versions.bun}` : versions.deno ? `Deno ${versions.deno}` : undefined
  const [major = 0, minor = 0] = versions.node.split('.').map(Number)
  const isNew = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])
  const cores = count(availableParallelism(), 'core')
  const detail = `${other ?? `Node ${versions.node}`} on ${platform}-${arch}, ${cores}`
  if (other !== undefined || isNew) return { name: 'runtime', state: 'ok', detail }
  return {
    name: 'runtime',
    state: 'failed',
    detail: `${detail}: install Node ${MIN_NODE.join('.')} or newer`,
  }
}

async function checkMemory({ io }: Session): Promise<Check> {
  const { memory, freeMemory } = await readMachine(modelsFolder(io.env))
  const left = freeMemory === undefined ? '' : `, ${formatBytes(freeMemory)} free`
  const isLow = (freeMemory ?? memory) < LOW_MEMORY_BYTES
  return { name: 'memory', state: isLow ? 'warning' : 'ok', detail: `${formatBytes(memory)}${left}` }
}

async function checkBackend({ io }: Session): Promise<Check> {
  const name = 'back end'
  try {
    const backend = await openBackend()
    await backend.close()
    if (backend.name === 'resident') {
      return {
        name,
        state: 'ok',
        detail: 'resident: ONNX Runtime through its C API, the KV cache stays in place',
      }
    }
    const reason = 'reason' in backend && typeof backend.reason === 'string' ? ` (${backend.reason})` : ''
    return { name, state: 'warning', detail: `portable: onnxruntime-node, slower on long videos${reason}` }
  } catch (error) {
    return { name, state: 'failed', detail: describeFailure(error, io.env) }
  }
}

async function checkDecoders({ io }: Session): Promise<Check> {
  const name = 'decoders'
  try {
    const [{ Codec }, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')])
    const names = Object.keys(CODECS) as (keyof typeof CODECS)[]
    const isFound = (codec: keyof typeof CODECS): boolean =>
      Codec.findDecoder(constants[CODECS[codec]]) !== null
    const missing = names.filter((codec) => !isFound(codec))
    if (missing.length === 0) return { name, state: 'ok', detail: `FFmpeg: ${names.join(', ')}` }
    const found = names.filter(isFound).join(', ') || 'none'
    return { name, state: 'failed', detail: `FFmpeg: ${found}; missing: ${missing.join(', ')}` }
  } catch (error) {
    const detail = `FFmpeg cannot be loaded: ${describeFailure(error, io.env)}`
    return { name, state: 'failed', detail }
  }
}

async function checkCache({ io }: Session): Promise<Check> {
  const name = 'cache'
  const folder = cachePath({}, io.env)
  try {
    const { entries, sizeBytes, linkBytes } = await measureCache(folder)
    const parts = [
      ...(entries > 0 ? [`${count(entries, 'video')}, ${formatBytes(sizeBytes)}`] : []),
      ...(linkBytes > 0 ? [`${formatBytes(linkBytes)} of links`] : []),
    ]
    return { name, state: 'ok', detail: `${folder}: ${parts.join('; ') || 'empty'}` }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { name, state: 'warning', detail: `${folder} cannot be used: ${reason}; see --cache-dir` }
  }
}

async function checkCheckpoint({ io, signal }: Session): Promise<Check> {
  const [id] = EMBEDDED_MODELS
  const name = 'checkpoint'
  try {
    await using longtake = await load(id, { signal })
    const { family, encoder, defaults, pooling } = longtake.spec
    const guide = pooling.guided ? ', with a text guide' : ''
    const detail = `${id}: ${family}, ${encoder.framesPerClip} frames at once, ${defaults.frames} by default${guide}; loads`
    return { name, state: 'ok', detail }
  } catch (error) {
    if (signal.aborted) throw error
    return { name, state: 'failed', detail: `${id}: ${describeFailure(error, io.env)}` }
  }
}

const SYMBOLS = {
  ok: ['✓', 'ok', 'green'],
  warning: ['!', '!', 'yellow'],
  failed: ['✗', 'x', 'red'],
} as const

function printCheck({ name, state, detail }: Check, { out }: Session): void {
  const [symbol, ascii, colour] = SYMBOLS[state]
  const mark = out.style(colour, (out.isUnicode ? symbol : ascii).padEnd(2))
  out.line(`${mark} ${out.style('bold', name.padEnd(10))} ${out.plain(detail)}`)
}
