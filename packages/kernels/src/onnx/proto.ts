import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { TensorType, ValueSpec, WeightPlace } from './model.js'

/** Value of a node's attribute. Whole numbers and fractions are distinct types in ONNX, so a float is marked. */
export type Attribute = number | string | readonly number[] | { readonly float: number }

export interface NodeSpec {
  readonly name: string
  readonly op: string
  /** `''` is ONNX's own domain. */
  readonly domain: '' | 'com.microsoft'
  /** `''` stands for an optional input or output that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

export interface InitializerSpec {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly number[]
  /** Little-endian elements, written into the graph; absent for weights, which are kept beside it. */
  readonly data?: Uint8Array
  readonly bytes: number
}

export interface GraphSpec {
  readonly name: string
  readonly nodes: readonly NodeSpec[]
  readonly initializers: readonly InitializerSpec[]
  readonly inputs: readonly ValueSpec[]
  readonly outputs: readonly ValueSpec[]
}

/** TensorProto.DataType of each element type. */
export const DATA_TYPE: Readonly<Record<TensorType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
}

/** The version of the file format that goes with opset 21. */
const IR_VERSION = 10
const OPSETS = [
  ['', 21],
  ['com.microsoft', 1],
] as const

/**
 * Serialises a graph as an ONNX ModelProto.
 *
 * @param place - Where the data of an initializer that has none lies.
 * @remarks Field numbers as in onnx/onnx.proto3 of ONNX 1.16.
 */
export function encodeModel(graph: GraphSpec, place: (name: string) => WeightPlace): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.Varint).int64(IR_VERSION)
  writer.tag(2, WireType.LengthDelimited).string('longtake')
  message(writer, 7, (body) => writeGraph(body, graph, place))
  for (const [domain, version] of OPSETS) {
    message(writer, 8, (body) => {
      body.tag(1, WireType.LengthDelimited).string(domain)
      body.tag(2, WireType.Varint).int64(version)
    })
  }
  return writer.finish()
}

function writeGraph(writer: BinaryWriter, graph: GraphSpec, place: (name: string) => WeightPlace): void {
  for (const node of graph.nodes) message(writer, 1, (body) => writeNode(body, node))
  writer.tag(2, WireType.LengthDelimited).string(graph.name)
  for (const tensor of graph.initializers) message(writer, 5, (body) => writeInitializer(body, tensor, place))
  for (const value of graph.inputs) message(writer, 11, (body) => writeValue(body, value))
  for (const value of graph.outputs) message(writer, 12, (body) => writeValue(body, value))
}

function writeNode(writer: BinaryWriter, node: NodeSpec): void {
  for (const input of node.inputs) writer.tag(1, WireType.LengthDelimited).string(input)
  for (const output of node.outputs) writer.tag(2, WireType.LengthDelimited).string(output)
  writer.tag(3, WireType.LengthDelimited).string(node.name)
  writer.tag(4, WireType.LengthDelimited).string(node.op)
  for (const [name, value] of Object.entries(node.attributes)) {
    message(writer, 5, (body) => writeAttribute(body, name, value))
  }
  writer.tag(7, WireType.LengthDelimited).string(node.domain)
}

/** AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, INTS 7. */
function writeAttribute(writer: BinaryWriter, name: string, value: Attribute): void {
  writer.tag(1, WireType.LengthDelimited).string(name)
  if (typeof value === 'number') {
    writer.tag(3, WireType.Varint).int64(value)
    writer.tag(20, WireType.Varint).int32(2)
  } else if (typeof value === 'string') {
    writer.tag(4, WireType.LengthDelimited).string(value)
    writer.tag(20, WireType.Varint).int32(3)
  } else if ('float' in value) {
    writer.tag(2, WireType.Bit32).float(value.float)
    writer.tag(20, WireType.Varint).int32(1)
  } else {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item)
    writer.tag(20, WireType.Varint).int32(7)
  }
}

function writeInitializer(
  writer: BinaryWriter,
  tensor: InitializerSpec,
  place: (name: string) => WeightPlace,
): void {
  for (const dim of tensor.dims) writer.tag(1, WireType.Varint).int64(dim)
  writer.tag(2, WireType.Varint).int32(DATA_TYPE[tensor.type])
  writer.tag(8, WireType.LengthDelimited).string(tensor.name)
  if (tensor.data !== undefined) {
    writer.tag(9, WireType.LengthDelimited).bytes(tensor.data)
    return
  }
  const { file, offset } = place(tensor.name)
  const entries = { location: file, offset: String(offset), length: String(tensor.bytes) }
  for (const [key, value] of Object.entries(entries)) {
    message(writer, 13, (body) => {
      body.tag(1, WireType.LengthDelimited).string(key)
      body.tag(2, WireType.LengthDelimited).string(value)
    })
  }
  writer.tag(14, WireType.Varint).int32(1)
}

function writeValue(writer: BinaryWriter, value: ValueSpec): void {
  writer.tag(1, WireType.LengthDelimited).string(value.name)
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(DATA_TYPE[value.type])
      message(tensor, 2, (shape) => {
        for (const dim of value.dims) message(shape, 1, (body) => writeDimension(body, dim))
      })
    }),
  )
}

function writeDimension(writer: BinaryWriter, dim: number | string): void {
  if (typeof dim === 'number') writer.tag(1, WireType.Varint).int64(dim)
  else writer.tag(2, WireType.LengthDelimited).string(dim)
}

function message(writer: BinaryWriter, field: number, write: (body: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}
