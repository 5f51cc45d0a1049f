import { ShapeError } from '@longtake/core'
import { multiply, sameDims } from './dimensions.js'
import type { Dimension, GraphModel, TensorType, ValueSpec, Weight, WeightPart } from './model.js'
import { type Attribute, encodeModel, type InitializerSpec, type NodeSpec } from './proto.js'

/** A tensor of the graph that is being built: an input, a constant, or a node's result. */
export type Value = ValueSpec

/** Bytes of one element. */
const ELEMENT_BYTES: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float16: 2,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
}

export interface NodeOptions {
  readonly domain?: '' | 'com.microsoft'
  readonly attributes?: Readonly<Record<string, Attribute>>
}

/**
 * Collects the nodes of an ONNX graph with the type and shape of every value, so that a wrong graph fails while
 * it is built, by name, and not when it is loaded or run. The operators themselves are functions over it.
 */
export class GraphBuilder {
  readonly #name: string
  readonly #nodes: NodeSpec[] = []
  readonly #initializers = new Map<string, InitializerSpec>()
  readonly #weights = new Map<string, Weight>()
  readonly #inputs: Value[] = []
  readonly #outputs: Value[] = []
  readonly #names = new Set<string>()
  /** Values that are outputs: their own name is replaced, so that no copy stands between node and output. */
  readonly #renamed = new Map<string, string>()
  #scope = ''

  constructor(name: string) {
    this.#name = name
  }

  /** Runs `build` with `scope/` before the names of all nodes it makes. */
  async within<T>(scope: string, build: () => Promise<T>): Promise<T> {
    const outer = this.#scope
    this.#scope = `${outer}${scope}/`
    try {
      return await build()
    } finally {
      this.#scope = outer
    }
  }

  /**
   * Declares an input of the graph.
   *
   * @throws {ShapeError} If the name is taken.
   */
  input(name: string, type: TensorType, dims: readonly Dimension[]): Value {
    const value = { name: this.#claim(name), type, dims }
    this.#inputs.push(value)
    return value
  }

  /**
   * Adds a constant. The same name gives the same value again, without looking at `data`.
   *
   * @param data - Little-endian elements, which go into the graph itself; kept, not copied.
   * @throws {ShapeError} If `data` has another size than `dims` ask for.
   */
  initializer(name: string, type: TensorType, dims: readonly number[], data: Uint8Array): Value {
    const known = this.#initializers.get(name)
    if (known === undefined) {
      const bytes = byteCount(type, dims)
      if (bytes !== data.byteLength) {
        throw new ShapeError(name, `${bytes} bytes for ${type} [${dims.join(', ')}]`, data.byteLength)
      }
      this.#initializers.set(this.#claim(name), { name, type, dims, data, bytes })
    }
    return { name, type: known?.type ?? type, dims: known?.dims ?? dims }
  }

  /**
   * Adds a weight, whose data lies beside the graph; the same one again gives the same values.
   *
   * @returns One value for each of its parts.
   */
  weight(weight: Weight): Value[] {
    const key = weight.parts.map(({ name }) => name).join()
    if (!this.#weights.has(key)) {
      this.#weights.set(key, weight)
      for (const part of weight.parts) this.#initializers.set(this.#claim(part.name), checkedPart(part))
    }
    return weight.parts.map(({ name, type, dims }) => ({ name, type, dims }))
  }

  /** A float32 constant; see {@link initializer}. */
  floats(name: string, dims: readonly number[], data: Float32Array): Value {
    return this.initializer(name, 'float32', dims, bytesOf(data))
  }

  /** An int64 constant vector, as axes and shapes are; equal ones share one initialiser. */
  integers(items: readonly number[]): Value {
    const name = `int64:${items.join(',')}`
    return this.initializer(name, 'int64', [items.length], bytesOf(BigInt64Array.from(items, BigInt)))
  }

  /**
   * Adds a node.
   *
   * @param inputs - In the operator's order; `undefined` leaves an optional one out.
   * @param outputs - Type and shape of each result that is used; `undefined` leaves one out.
   * @returns The results, `undefined` where left out.
   */
  node<const T extends readonly (Omit<Value, 'name'> | undefined)[]>(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: T,
    { domain = '', attributes = {} }: NodeOptions = {},
  ): { [K in keyof T]: T[K] extends undefined ? undefined : Value } {
    const name = this.nextName(op)
    const values = outputs.map((output, index) =>
      output === undefined
        ? undefined
        : { ...output, name: this.#claim(index === 0 ? name : `${name}:${index}`) },
    )
    // Trailing ones are not listed at all: not every runtime takes an empty name for an absence there.
    const used = (list: readonly (Value | undefined)[]) =>
      list.slice(0, list.findLastIndex((value) => value !== undefined) + 1)
    const names = (list: readonly (Value | undefined)[]) => used(list).map((value) => value?.name ?? '')
    this.#nodes.push({ name, op, domain, inputs: names(inputs), outputs: names(values), attributes })
    return values as { [K in keyof T]: T[K] extends undefined ? undefined : Value }
  }

  /** The name that the next node of this operator gets; operators put it into their errors. */
  nextName(op: string): string {
    return `${this.#scope}${op}_${this.#nodes.length}`
  }

  /**
   * Makes a value an output of the graph under a name of its own, and says what shape it should have.
   *
   * @throws {ShapeError} If the value's shape is another, or the name is taken.
   */
  output(name: string, value: Value, dims: readonly Dimension[] = value.dims): void {
    if (!sameDims(value.dims, dims)) throw new ShapeError(name, `[${dims.join(', ')}]`, value.dims)
    const known = this.#nodes.some((node) => node.outputs.includes(value.name))
    if (!known || this.#renamed.has(value.name)) {
      throw new ShapeError(name, 'the result of a node that is no output yet', value.name)
    }
    this.#outputs.push({ name: this.#claim(name), type: value.type, dims })
    this.#renamed.set(value.name, name)
  }

  /** Ends building. */
  build(): GraphModel {
    const initializers = [...this.#initializers.values()]
    const final = (names: readonly string[]) => names.map((name) => this.#renamed.get(name) ?? name)
    const nodes = this.#nodes.map((node) => ({
      ...node,
      inputs: final(node.inputs),
      outputs: final(node.outputs),
    }))
    const spec = { name: this.#name, nodes, inputs: this.#inputs, outputs: this.#outputs, initializers }
    return {
      inputs: this.#inputs,
      outputs: this.#outputs,
      weights: [...this.#weights.values()],
      encode: (place) => encodeModel(spec, place),
    }
  }

  #claim(name: string): string {
    if (this.#names.has(name)) throw new ShapeError(name, 'a name that is used once', 'a second one')
    this.#names.add(name)
    return name
  }
}

function byteCount(type: TensorType, dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[type])
}

function checkedPart({ name, type, dims, bytes }: WeightPart): InitializerSpec {
  const expected = byteCount(type, dims)
  if (bytes !== expected)
    throw new ShapeError(name, `${expected} bytes for ${type} [${dims.join(', ')}]`, bytes)
  return { name, type, dims, bytes }
}

/** The bytes of a typed array, on the same memory. */
function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/**
 * Checks a value's shape; `undefined` in `dims` accepts any size.
 *
 * @throws {ShapeError} Naming the node and its argument.
 */
export function expectDims(argument: string, value: Value, dims: readonly (Dimension | undefined)[]): void {
  const fits =
    value.dims.length === dims.length &&
    dims.every((dim, axis) => dim === undefined || multiply(dim) === multiply(value.dims[axis]!))
  if (fits) return
  const expected = dims.map((dim) => dim ?? 'any').join(', ')
  throw new ShapeError(`${argument} (${value.name})`, `[${expected}]`, value.dims)
}
