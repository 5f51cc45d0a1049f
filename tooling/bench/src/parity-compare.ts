import type { Inspection, NamedArray } from '@longtake/runtime'
import type { NpyArray } from './npy.js'

/** Largest differences that fp32 may have: before the logits, and in them. */
const STAGE_BOUND = 1e-4
const LOGITS_BOUND = 1e-3

/** Arrays of a case: the name in results, the name of the expected file, and what the engine computed. */
const STAGES = [
  ['pixelValues', 'pixel_values'],
  ['visionFeatures', 'vision_features'],
  ['projected', 'projected'],
  ['textEmbedding', 'text_embedding'],
  ['alignmentCosine', 'alignment_cosine'],
  ['alignment', 'alignment'],
  ['pooled', 'pooled'],
  ['visualTokens', 'visual_tokens'],
  ['logits', 'logits'],
] as const

const TOKENS = [
  ['promptIds', 'prompt_ids'],
  ['inputIds', 'input_ids'],
  ['greedy', 'greedy'],
] as const

/** Files that a stage answers to; a case that has others must not pass unseen. */
const KNOWN_FILES: ReadonlySet<string> = new Set([
  'frames_u8',
  ...[...STAGES, ...TOKENS].map(([, file]) => file),
])

/** How one case came out. Stages without an expected file are absent. */
export interface CaseResult {
  readonly case: string
  readonly pixelValues?: number
  readonly visionFeatures?: number
  readonly projected?: number
  readonly textEmbedding?: number
  readonly alignmentCosine?: number
  readonly alignment?: number
  readonly pooled?: number
  readonly visualTokens?: number
  readonly promptIds?: boolean
  readonly inputIds?: boolean
  readonly logits?: number
  readonly greedy?: boolean
  /** Why a stage has no number: its shape differs, it is not a number, or the engine does not have it. */
  readonly errors?: readonly string[]
}

/** What the engine computed of a case. */
export type Computed = Pick<
  Inspection,
  | 'pixelValues'
  | 'visionFeatures'
  | 'projected'
  | 'textEmbedding'
  | 'alignmentCosine'
  | 'alignment'
  | 'pooled'
  | 'visualTokens'
  | 'logits'
  | 'promptIds'
  | 'inputIds'
  | 'greedy'
>

/**
 * Compares what was computed with what was expected.
 *
 * @param expected - The case's arrays by the names of parity folders, such as `vision_features`.
 */
export function compareCase(
  name: string,
  computed: Computed,
  expected: ReadonlyMap<string, NpyArray>,
): CaseResult {
  const errors: string[] = []
  const stages: Record<string, number | boolean> = {}
  for (const [stage, file] of STAGES) {
    const array = expected.get(file)
    if (array === undefined) continue
    const compared = largestDifference(computed[stage], array)
    if (typeof compared === 'number') stages[stage] = compared
    else errors.push(`${stage}: ${compared}`)
  }
  for (const [stage, file] of TOKENS) {
    const array = expected.get(file)
    if (array !== undefined) stages[stage] = sameTokens(computed[stage], array)
  }
  for (const file of expected.keys()) {
    if (!KNOWN_FILES.has(file)) errors.push(`${file}: the engine has no such stage`)
  }
  return { case: name, ...orderStages(stages), ...(errors.length > 0 && { errors }) }
}

/** Whether a case breaks the rule: tokens differ or something has no number, or fp32 is beyond its bounds. */
export function isFailure(result: CaseResult, isFp32: boolean): boolean {
  const { errors, promptIds, inputIds, greedy } = result
  if (errors !== undefined || [promptIds, inputIds, greedy].includes(false)) return true
  return isFp32 && STAGES.some(([stage]) => !((result[stage] ?? 0) <= boundOf(stage)))
}

function boundOf(stage: (typeof STAGES)[number][0]): number {
  return stage === 'logits' ? LOGITS_BOUND : STAGE_BOUND
}

/** @returns The largest absolute difference, in float64, or why there is none. */
function largestDifference(computed: NamedArray | undefined, expected: NpyArray): number | string {
  if (computed === undefined) return 'the engine did not compute it for this case'
  const { dims, data } = computed
  const isSameShape =
    dims.length === expected.shape.length && dims.every((size, axis) => size === expected.shape[axis])
  if (!isSameShape) return `expected [${expected.shape.join(', ')}], got [${dims.join(', ')}]`
  let largest = 0
  for (let index = 0; index < data.length; index++) {
    const difference = Math.abs(Number(data[index]) - Number(expected.data[index]))
    if (!Number.isFinite(difference))
      return `element ${index} is ${data[index]}, expected ${expected.data[index]}`
    if (difference > largest) largest = difference
  }
  return largest
}

function sameTokens(ids: readonly number[], { shape, data }: NpyArray): boolean {
  return (
    shape.length === 1 && ids.length === data.length && ids.every((id, index) => id === Number(data[index]))
  )
}

/** In the order in which the stages run: those before the prompt, the prompt, the answer. */
function orderStages(stages: Readonly<Record<string, number | boolean>>): Partial<CaseResult> {
  const names = STAGES.map(([stage]) => stage)
  const order = [...names.slice(0, -1), 'promptIds', 'inputIds', 'logits', 'greedy']
  return Object.fromEntries(order.flatMap((stage) => (stage in stages ? [[stage, stages[stage]]] : [])))
}
