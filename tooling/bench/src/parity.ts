import { availableParallelism } from 'node:os'
import { KV_CACHE_TYPES, type RopeScaling, type RopeType } from '@longtake/core'
import { type Longtake, load } from '@longtake/runtime'
import { Arguments } from './arguments.js'
import type { Benchmark, Outcome } from './benchmark.js'
import { describeModel } from './environment.js'
import { type CaseResult, compareCase, isFailure } from './parity-compare.js'
import { casePictures, type ParityCase, readParityFolder } from './parity-folder.js'
import { formatTable } from './table.js'

const WEIGHT_TYPES = ['fp32', 'int8', 'int4'] as const

/** θ′ = θ · 4^(d/(d−2)): four times the encoder's frames. */
const INTP_ROPE: RopeScaling = { type: 'ntk', factor: 4 }
/** Extends nothing: the checkpoint's own scaling stays as it is. */
const OWN_ROPE: RopeType = 'none'

/** A checkpoint folder's own expectations against what the engine computes. */
export const parity: Benchmark = {
  name: 'parity',
  summary: 'what the engine computes against a reference: a checkpoint folder with expected/',
  options: [
    '--dir FOLDER              checkpoint with expected/ (required)',
    '--weights fp32|int8|int4  storage of the matrices, default fp32',
    '--kv fp32|int8|int4       storage of the KV cache, default fp32',
    '--backend resident|portable|auto',
  ],
  run: runParity,
}

async function runParity(args: readonly string[]): Promise<Outcome> {
  const given = new Arguments(args, { dir: 'text', weights: 'text', kv: 'text', backend: 'text' })
  const folder = given.required('dir')
  const weights = given.choice('weights', WEIGHT_TYPES, 'fp32')
  const kvCache = given.choice('kv', KV_CACHE_TYPES, 'fp32')
  const backend = given.choice('backend', ['auto', 'resident', 'portable'], 'auto')
  const threads = availableParallelism()
  const cases = await readParityFolder(folder)
  await using longtake = await load(folder, { weights, backend, threads })
  const results: CaseResult[] = []
  for (const item of cases) results.push(await runCase(longtake, item, kvCache))
  const failed =
    results.length === 0 ||
    results.some((result) => isFailure(result, weights === 'fp32' && kvCache === 'fp32'))
  return {
    result: {
      cases: results,
      weights,
      kv: kvCache,
      backend: longtake.backend.name,
      threads,
      model: await describeModel(folder),
    },
    text: `${formatResults(results)}\n\n${failed ? 'Differs.' : 'Agrees.'}`,
    failed,
  }
}

async function runCase(
  longtake: Longtake,
  item: ParityCase,
  kvCache: (typeof KV_CACHE_TYPES)[number],
): Promise<CaseResult> {
  const computed = await longtake.inspect(casePictures(item), {
    prompt: item.prompt,
    guideText: item.question,
    // A case with the guide's outputs is guided; others pool as the checkpoint does by itself.
    ...(item.expected.has('alignment') && { pooling: 'guided' as const }),
    kvCache,
    layout: 'interleaved',
    rope: item.kind === 'intp' ? INTP_ROPE : OWN_ROPE,
    // Pictures that stand alone: the checkpoint may cut them into tiles.
    stills: item.kind === 'image',
    greedyTokens: item.expected.get('greedy')?.data.length ?? 0,
  })
  return compareCase(item.name, computed, item.expected)
}

function formatResults(results: readonly CaseResult[]): string {
  const stages = [...new Set(results.flatMap(({ errors, ...stages }) => Object.keys(stages)))]
  const rows = results.map((result) => {
    const cells = new Map<string, unknown>(Object.entries(result))
    return stages.map((stage) => formatCell(cells.get(stage)))
  })
  const errors = results.flatMap((result) => (result.errors ?? []).map((text) => `${result.case}: ${text}`))
  return [formatTable([stages, ...rows]), ...errors].join('\n')
}

function formatCell(value: unknown): string {
  if (typeof value === 'number') return value.toExponential(1)
  if (typeof value === 'boolean') return value ? 'same' : 'DIFFERS'
  return value === undefined ? '' : String(value)
}
