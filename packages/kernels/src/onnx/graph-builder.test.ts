import { ShapeError } from '@longtake/core'
import { expect, test } from 'vitest'
import { heldWeights } from '../../test/random-weights.js'
import { floats, runGraph } from '../../test/run-graph.js'
import { floatWeight } from '../weights/forms.js'
import { matMulTransposed, multiHeadAttention } from './fused.js'
import { GraphBuilder } from './graph-builder.js'
import {
  binary,
  dropFront,
  gatherOnePerTable,
  join,
  matMul,
  repeatAs,
  reshape,
  squeeze,
  takeFront,
  transpose,
} from './operators.js'

/** x [rows, 4] → (x · wᵀ) + x. */
function smallGraph(): GraphBuilder {
  const graph = new GraphBuilder('small')
  const x = graph.input('x', 'float32', ['rows', 4])
  const weight = graph.floats(
    'weight',
    [4, 4],
    Float32Array.from({ length: 16 }, (_, at) => at % 5),
  )
  graph.output('sum', binary(graph, 'Add', matMulTransposed(graph, x, weight), x), ['rows', 4])
  return graph
}

test('a small graph runs, with inline constants', async () => {
  const model = smallGraph().build()
  expect(model.weights).toEqual([])
  const { sum } = await runGraph(model, { x: floats([1, 4], Float32Array.of(1, 2, 3, 4)) })
  // weight rows: 0 1 2 3 | 4 0 1 2 | 3 4 0 1 | 2 3 4 0
  expect(Array.from(sum!.data as Float32Array)).toEqual([20 + 1, 15 + 2, 15 + 3, 20 + 4])
})

test('weights are kept beside the graph and read when it is loaded', async () => {
  const graph = new GraphBuilder('external')
  const x = graph.input('x', 'float32', [1])
  const data = Float32Array.from({ length: 1000 }, (_, at) => at)
  const source = heldWeights(new Map([['table', { shape: [1000], data }]]))
  const [table] = graph.weight(floatWeight(source, 'table', [1000]))
  graph.output('y', binary(graph, 'Add', table!, x))
  const model = graph.build()
  expect(model.weights.map(({ tensor, parts }) => [tensor, parts[0]!.bytes])).toEqual([['table', 4000]])
  expect(model.encode((file) => ({ file, offset: 0 })).length).toBeLessThan(400)
  const { y } = await runGraph(model, { x: floats([1], Float32Array.of(0.5)) })
  expect((y!.data as Float32Array)[999]).toBe(999.5)
})

test('inputs and outputs are declared as the model lists them', () => {
  const model = smallGraph().build()
  expect(model.inputs).toEqual([{ name: 'x', type: 'float32', dims: ['rows', 4] }])
  expect(model.outputs).toEqual([{ name: 'sum', type: 'float32', dims: ['rows', 4] }])
})

test('mistakes fail while the graph is built, by name', async () => {
  const graph = new GraphBuilder('wrong')
  const x = graph.input('x', 'float32', ['rows', 6])
  const weight = graph.floats('w', [4, 4], new Float32Array(16))
  expect(() => matMulTransposed(graph, x, weight)).toThrow(
    'FusedMatMul_0 weight (w): expected [any, 6], got [4, 4]',
  )
  expect(() => reshape(graph, x, ['rows', 5])).toThrow(ShapeError)
  expect(() => reshape(graph, x, ['rows', 2, 'three'])).toThrow(ShapeError)
  expect(() => transpose(graph, x, [0, 0])).toThrow(ShapeError)
  expect(() => binary(graph, 'Add', x, weight)).toThrow(ShapeError)
  expect(() => multiHeadAttention(graph, [x, x, x], 4)).toThrow(ShapeError)
  expect(() => graph.floats('short', [3], new Float32Array(2))).toThrow('12 bytes for float32 [3]')
  expect(() => graph.input('x', 'float32', [])).toThrow(ShapeError)
  expect(() => graph.output('y', x)).toThrow(ShapeError)
  await graph.within('layers.3', async () => {
    expect(() => matMulTransposed(graph, x, weight)).toThrow('layers.3/FusedMatMul_0 weight')
  })
})

test('cutting, joining and multiplying ask for shapes that fit', () => {
  const graph = new GraphBuilder('shapes')
  const [x, row] = [
    graph.input('x', 'float32', ['rows', 6, 2]),
    graph.input('row', 'float32', [1, 'tokens', 2]),
  ]
  expect(takeFront(graph, x, 1, 4).dims).toEqual(['rows', 4, 2])
  expect(join(graph, x, dropFront(graph, x, 1, 5), 1).dims).toEqual(['rows', 7, 2])
  expect(repeatAs(graph, row, x).dims).toEqual(['rows', 'tokens', 2])
  expect(() => takeFront(graph, x, 1, 7)).toThrow('a known size of at least 7 on axis 1, got [rows, 6, 2]')
  expect(() => dropFront(graph, x, 0, 1)).toThrow(ShapeError)
  expect(() => join(graph, x, row, 1)).toThrow('known sizes on axis 1')
  expect(() => join(graph, x, takeFront(graph, x, 2, 1), 1)).toThrow(ShapeError)
  expect(() => repeatAs(graph, x, x)).toThrow(ShapeError)
  expect(() => squeeze(graph, x, 1)).toThrow('size 1 on axis 1')
  expect(() => matMul(graph, x, row)).toThrow('[…, 2, columns]')
  expect(() => gatherOnePerTable(graph, x, graph.input('index', 'int64', ['others']))).toThrow(ShapeError)
})

test('a value is an output once, in the shape that is promised', () => {
  const graph = new GraphBuilder('outputs')
  const x = graph.input('x', 'float32', [2, 3])
  const sum = binary(graph, 'Add', x, x)
  expect(() => graph.output('sum', sum, [3, 2])).toThrow(ShapeError)
  graph.output('sum', sum)
  expect(() => graph.output('again', sum)).toThrow(ShapeError)
  expect(() => graph.output('sum', binary(graph, 'Mul', x, x))).toThrow(ShapeError)
})
