import { EngineError } from '@longtake/core'
import type { Tensor, TensorType } from './types.js'

/** One input or output of a loaded graph. */
export interface ValueInfo {
  readonly name: string
  readonly type: TensorType
}

/** Refuses graphs whose output is an input itself: ONNX Runtime would lend it the feed's memory. */
export function checkGraph(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): void {
  const lent = outputs.find((output) => inputs.some((input) => input.name === output.name))
  if (lent)
    throw new EngineError(
      'ENGINE_FAILED',
      `Output ${lent.name} is also an input; put an Identity between them.`,
    )
}

/** Checks names and element types; shapes are checked by ONNX Runtime, which knows what a run makes of them. */
export function checkFeeds(inputs: readonly ValueInfo[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const input of inputs) {
    const tensor = feeds[input.name]
    if (!tensor) throw new EngineError('ENGINE_FAILED', `Input ${input.name} is missing; feed all inputs.`)
    checkTensor('Input', input, tensor)
  }
  refuseUnknown('input', inputs, feeds)
}

export function checkResults(outputs: readonly ValueInfo[], results: Readonly<Record<string, Tensor>>): void {
  for (const output of outputs) {
    const tensor = results[output.name]
    if (tensor) checkTensor('Output', output, tensor)
  }
  refuseUnknown('output', outputs, results)
}

function checkTensor(role: string, value: ValueInfo, tensor: Tensor): void {
  if (tensor.type !== value.type)
    throw new EngineError('ENGINE_FAILED', `${role} ${value.name} is ${value.type}, but got ${tensor.type}.`)
}

function refuseUnknown(
  role: string,
  known: readonly ValueInfo[],
  given: Readonly<Record<string, Tensor>>,
): void {
  const names = known.map(({ name }) => name)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new EngineError(
      'ENGINE_FAILED',
      `The graph has no ${role} ${unknown}; it has ${names.join(', ') || 'none'}.`,
    )
}
