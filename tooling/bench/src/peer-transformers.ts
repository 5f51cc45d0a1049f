import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineError } from '@longtake/core'
import { fillRandom } from './decode-model.js'
import { PEER_MODELS, type PeerModel } from './peer-model.js'
import { writePeerOnnx } from './peer-onnx.js'
import { type Generated, type PeerOpening, type PeerRequest, promptTokens } from './peer-protocol.js'
import { serve } from './peer-worker.js'

/** The part of transformers.js 4 that is used. */
interface TransformersModule {
  readonly env: { allowRemoteModels: boolean; localModelPath: string }
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: object): Promise<{ generate(options: object): Promise<unknown> }>
  }
  readonly DynamicCache: new (entries: Record<string, unknown>) => unknown
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown
}

interface Opened {
  readonly library: TransformersModule
  readonly generate: (options: object) => Promise<unknown>
  readonly model: PeerModel
}

const NAME = 'random'

let opened: Opened | undefined

serve(async (request: PeerRequest) => {
  if (request.work === 'open') {
    opened = await openTransformers(request)
    return true
  }
  if (opened === undefined) throw new EngineError('ENGINE_FAILED', 'transformers.js was not opened.')
  if (request.work !== 'decode')
    throw new EngineError('ENGINE_FAILED', 'transformers.js is measured in decoding only.')
  return decode(opened, request.held, request.tokens)
})

async function openTransformers({ folder, shape, threads }: PeerOpening): Promise<Opened> {
  const model = PEER_MODELS[shape]
  await writePeerOnnx(join(folder, NAME), model)
  const entry = join(folder, 'node_modules', '@huggingface', 'transformers', 'dist', 'transformers.node.mjs')
  const library: TransformersModule = await import(pathToFileURL(entry).href)
  library.env.allowRemoteModels = false
  library.env.localModelPath = folder
  const loaded = await library.AutoModelForCausalLM.from_pretrained(NAME, {
    dtype: 'fp32',
    device: 'cpu',
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  })
  return { library, generate: (options) => loaded.generate(options), model }
}

/** Generates over a cache of random keys and values, as its prefill in one run would hold every score at once. */
async function decode({ library, generate, model }: Opened, held: number, count: number): Promise<Generated> {
  const { Tensor, DynamicCache } = library
  const { kvHeads, headDim, layers, vocabularySize } = model.config
  const dims = [1, kvHeads, held - 1, headDim]
  const random = (seed: number) =>
    new Tensor('float32', fillRandom(new Float32Array(kvHeads * (held - 1) * headDim), seed, 1), dims)
  const entries = Array.from({ length: layers }, (_, layer): [string, unknown][] => [
    [`past_key_values.${layer}.key`, random(2 * layer + 1)],
    [`past_key_values.${layer}.value`, random(2 * layer + 2)],
  ]).flat()
  const ids = BigInt64Array.from(promptTokens(0, held, vocabularySize), BigInt)
  const clock = new TokenClock()
  await generate({
    input_ids: new Tensor('int64', ids, [1, held]),
    attention_mask: new Tensor('int64', new BigInt64Array(held).fill(1n), [1, held]),
    past_key_values: new DynamicCache(Object.fromEntries(entries)),
    max_new_tokens: count,
    do_sample: false,
    streamer: clock,
  })
  return clock.generated
}

/** A streamer that notes when each token came; the first call has the prompt. */
class TokenClock {
  readonly generated: { readonly milliseconds: number[]; readonly tokens: number[] } = {
    milliseconds: [],
    tokens: [],
  }
  #last: number | undefined

  put(tokens: readonly (readonly bigint[])[]): void {
    const now = performance.now()
    if (this.#last !== undefined) {
      this.generated.milliseconds.push(now - this.#last)
      this.generated.tokens.push(Number(tokens[0]?.[0]))
    }
    this.#last = now
  }

  end(): void {}
}
