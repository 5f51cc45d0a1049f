import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineError } from '@longtake/core'
import { writeGguf } from './gguf.js'
import { PEER_CAPACITY, PEER_MODELS, peerGgufMetadata, peerGgufTensors } from './peer-model.js'
import {
  type Generated,
  type PeerOpening,
  type PeerRequest,
  promptTokens,
  type Scored,
} from './peer-protocol.js'
import { serve } from './peer-worker.js'

/** The part of node-llama-cpp 3 that is used. */
interface LlamaModule {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>
}

interface LlamaModel {
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>
}

interface LlamaSequence {
  readonly nextTokenIndex: number
  eraseContextTokenRanges(ranges: readonly { start: number; end: number }[]): Promise<void>
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>
  evaluate(tokens: readonly number[], options: object): AsyncGenerator<number, void, void>
  evaluateWithMetadata(
    tokens: readonly number[],
    wanted: { readonly probabilities: true },
    options: object,
  ): AsyncGenerator<{ readonly probabilities: ReadonlyMap<number, number> }, void, void>
}

/** Keys and values as llama.cpp stores them where ours are of the first type: its default, and blocks of 32. */
const KV_TYPES = { fp32: 'F16', int8: 'Q8_0', int4: 'Q4_0' } as const

interface Opened {
  readonly sequence: LlamaSequence
  readonly vocabularySize: number
}

let opened: Opened | undefined

serve(async (request: PeerRequest) => {
  if (request.work === 'open') {
    opened = await openLlama(request)
    return true
  }
  if (opened === undefined) throw new EngineError('ENGINE_FAILED', 'llama.cpp was not opened.')
  const { sequence, vocabularySize } = opened
  const { held, tokens } = request
  if (request.work === 'score') return score(sequence, held, promptTokens(0, tokens, vocabularySize))
  return request.work === 'prefill'
    ? prefill(sequence, held, promptTokens(held, tokens, vocabularySize))
    : decode(sequence, promptTokens(0, held, vocabularySize), tokens)
})

async function openLlama({ folder, shape, threads, chunk, kv }: PeerOpening): Promise<Opened> {
  const model = PEER_MODELS[shape]
  const modelPath = join(folder, `${shape}.gguf`)
  await writeGguf(modelPath, peerGgufMetadata(model), peerGgufTensors(model))
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js')
  const { getLlama }: LlamaModule = await import(pathToFileURL(entry).href)
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    maxThreads: threads,
  })
  const loaded = await llama.loadModel({ modelPath, useMmap: true, gpuLayers: 0 })
  const type = KV_TYPES[kv]
  const context = await loaded.createContext({
    contextSize: PEER_CAPACITY,
    batchSize: chunk,
    threads: { ideal: threads, min: threads },
    flashAttention: true,
    sequences: 1,
    experimentalKvCacheKeyType: type,
    experimentalKvCacheValueType: type,
  })
  return { sequence: context.getSequence(), vocabularySize: model.config.vocabularySize }
}

async function prefill(sequence: LlamaSequence, held: number, tokens: readonly number[]): Promise<number> {
  await forget(sequence, held)
  const start = performance.now()
  await sequence.evaluateWithoutGeneratingNewTokens(tokens)
  return performance.now() - start
}

async function decode(sequence: LlamaSequence, prompt: readonly number[], count: number): Promise<Generated> {
  await forget(sequence, prompt.length - 1)
  const options = { temperature: 0, yieldEogToken: true }
  const generation = sequence.evaluate(prompt.slice(-1), options)
  const result: { milliseconds: number[]; tokens: number[] } = { milliseconds: [], tokens: [] }
  while (result.tokens.length < count) {
    const start = performance.now()
    const { value, done } = await generation.next()
    if (done || value === undefined) break
    result.milliseconds.push(performance.now() - start)
    result.tokens.push(value)
  }
  await generation.return()
  return result
}

async function score(sequence: LlamaSequence, held: number, tokens: readonly number[]): Promise<Scored> {
  await forget(sequence, held)
  const last = tokens.slice(-1)
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 }
  const generation = sequence.evaluateWithMetadata(last, { probabilities: true }, options)
  const { value } = await generation.next()
  await generation.return()
  return tokens.map((token) => Math.log(value?.probabilities.get(token) ?? Number.NaN))
}

async function forget(sequence: LlamaSequence, held: number): Promise<void> {
  const { nextTokenIndex } = sequence
  if (nextTokenIndex < held)
    throw new EngineError('ENGINE_FAILED', `llama.cpp holds less than ${held} tokens.`)
  if (nextTokenIndex > held) await sequence.eraseContextTokenRanges([{ start: held, end: nextTokenIndex }])
}
