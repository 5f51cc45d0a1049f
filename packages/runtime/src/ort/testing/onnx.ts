import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { elementCount, elementType } from '../elements.js'
import type { SessionModel, TensorType } from '../types.js'

/** Small graphs for tests, written by hand: field numbers are those of onnx.proto. */
type Writer = (writer: BinaryWriter) => void

export interface Value {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly (number | string)[]
}

export interface Node {
  readonly op: string
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>
}

/** A weight; with `location` it is external data of that name. */
interface Weight {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
  readonly location?: string
}

export interface GraphParts {
  readonly nodes: readonly Node[]
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly weights?: readonly Weight[]
}

const IR_VERSION = 10
const OPSET = 21
const ATTRIBUTE_INT = 2
const ATTRIBUTE_STRING = 3
const ATTRIBUTE_INTS = 7
const ATTRIBUTE_FLOAT = 1
const DATA_EXTERNAL = 1

export function graphModel({ nodes, inputs, outputs, weights = [] }: GraphParts): SessionModel {
  const writer = new BinaryWriter()
  writer.uint32((1 << 3) | 0).int64(IR_VERSION)
  nested(writer, 7, (graph) => {
    for (const node of nodes) nested(graph, 1, (part) => writeNode(part, node))
    text(graph, 2, 'test')
    for (const weight of weights) nested(graph, 5, (part) => writeWeight(part, weight))
    for (const value of inputs) nested(graph, 11, (part) => writeValue(part, value))
    for (const value of outputs) nested(graph, 12, (part) => writeValue(part, value))
  })
  for (const [domain, version] of [['', OPSET] as const, ['com.microsoft', 1] as const])
    nested(writer, 8, (part) => {
      text(part, 1, domain)
      part.uint32((2 << 3) | 0).int64(version)
    })
  const external = weights.flatMap(({ location, bytes }) => (location ? [{ location, data: bytes }] : []))
  return { graph: writer.finish(), weights: external }
}

function writeNode(writer: BinaryWriter, node: Node): void {
  for (const name of node.inputs) text(writer, 1, name)
  for (const name of node.outputs) text(writer, 2, name)
  text(writer, 4, node.op)
  for (const [name, value] of Object.entries(node.attributes ?? {}))
    nested(writer, 5, (part) => {
      text(part, 1, name)
      writeAttribute(part, value)
    })
  if (node.domain) text(writer, 7, node.domain)
}

function writeAttribute(writer: BinaryWriter, value: number | string | readonly number[]): void {
  const type = (code: number) => writer.uint32((20 << 3) | 0).int32(code)
  if (typeof value === 'string') {
    text(writer, 4, value)
    type(ATTRIBUTE_STRING)
  } else if (typeof value !== 'number') {
    for (const item of value) writer.uint32((8 << 3) | 0).int64(item)
    type(ATTRIBUTE_INTS)
  } else if (Number.isInteger(value)) {
    writer.uint32((3 << 3) | 0).int64(value)
    type(ATTRIBUTE_INT)
  } else {
    writer.uint32((2 << 3) | 5).float(value)
    type(ATTRIBUTE_FLOAT)
  }
}

function writeWeight(writer: BinaryWriter, weight: Weight): void {
  for (const size of weight.dims) writer.uint32((1 << 3) | 0).int64(size)
  writer.uint32((2 << 3) | 0).int32(elementType(weight.type).code)
  text(writer, 8, weight.name)
  if (!weight.location) {
    writer.uint32((9 << 3) | 2).bytes(weight.bytes)
    return
  }
  const size = elementCount(weight.dims) * elementType(weight.type).bytes
  for (const [key, value] of Object.entries({ location: weight.location, offset: '0', length: String(size) }))
    nested(writer, 13, (entry) => {
      text(entry, 1, key)
      text(entry, 2, value)
    })
  writer.uint32((14 << 3) | 0).int32(DATA_EXTERNAL)
}

function writeValue(writer: BinaryWriter, { name, type, dims }: Value): void {
  text(writer, 1, name)
  nested(writer, 2, (typeProto) =>
    nested(typeProto, 1, (tensor) => {
      tensor.uint32((1 << 3) | 0).int32(elementType(type).code)
      nested(tensor, 2, (shape) => {
        for (const size of dims)
          nested(shape, 1, (dim) => {
            if (typeof size === 'number') dim.uint32((1 << 3) | 0).int64(size)
            else text(dim, 2, size)
          })
      })
    }),
  )
}

function nested(writer: BinaryWriter, field: number, write: Writer): void {
  writer.uint32((field << 3) | 2).fork()
  write(writer)
  writer.join()
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.uint32((field << 3) | 2).string(value)
}
