import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoFile } from './support/tiny-model.js'
import { chromium, openWebPage, type WebPage } from './support/web-page.js'

const place = chromium ? 'in Chromium' : 'in Chromium (LEFT OUT: none on the path or in LONGTAKE_CHROMIUM)'
const QUESTION = 'What number is on the blue square?'

/** A processor that computes what a graphics card would, slowly. */
const CARD = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--ignore-gpu-blocklist',
]

/** Threads are there for pages that let no other site in. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

describe.skipIf(chromium === undefined)(place, () => {
  let web: WebPage
  let requests: string[]
  let large: Buffer

  beforeAll(async () => {
    large = padded(await readFile(demoFile('0000.mp4')))
    requests = []
    const routes = {
      '/large.mp4': (request: IncomingMessage, response: ServerResponse) => {
        requests.push(request.headers.range ?? 'whole')
        sendRange(large, request, response)
      },
      '/changing.mp4': (request: IncomingMessage, response: ServerResponse) =>
        sendRange(request.headers.range ? large.subarray(1) : large, request, response),
    }
    web = await openWebPage({ headers: ISOLATED, routes })
    await web.page.evaluate(async () => {
      Object.assign(globalThis, { tiny: await longtake.load('/checkpoint/', { threads: 2 }) })
    })
  })

  afterAll(() => web?.[Symbol.asyncDispose]())

  test('options that need a server, and ids that only it can look up, are refused with a sentence', async () => {
    const failures = await web.page.evaluate(async () => {
      const attempt = async (id: unknown, options: object = {}) =>
        longtake.load(id as string, options).then(
          () => undefined,
          ({ code, message }) => `${code} ${message}`,
        )
      return [
        await attempt('/checkpoint/', { cache: true }),
        await attempt('/checkpoint/', { builds: true }),
        await attempt('/checkpoint/', { hub: {} }),
        await attempt('/checkpoint/', { remote: {} }),
        await attempt('/checkpoint/', { backend: 'resident' }),
        await attempt('/checkpoint/', { nonsense: 1 }),
        await attempt('@longtake/tiny'),
        await attempt('ftp://example.com/'),
        await attempt(7),
        await attempt('/nowhere/'),
        await attempt('/checkpoint/', { backend: 'webgpu' }),
      ]
    })
    expect(failures).toEqual([
      expect.stringMatching(/^INVALID_OPTION cache: .*no disk/),
      expect.stringMatching(/^INVALID_OPTION builds: .*no disk/),
      expect.stringMatching(/^INVALID_OPTION hub: /),
      expect.stringMatching(/^INVALID_OPTION remote: /),
      expect.stringMatching(/^INVALID_OPTION backend: .*wasm/),
      expect.stringMatching(/^INVALID_OPTION nonsense/),
      expect.stringMatching(/^CHECKPOINT_NOT_FOUND @longtake\/tiny is the name of a package/),
      expect.stringMatching(/^INVALID_OPTION id: /),
      expect.stringMatching(/^INVALID_OPTION id: /),
      expect.stringMatching(/^CHECKPOINT_NOT_FOUND .*\/nowhere\/ has no config\.json/),
      expect.stringMatching(/^ENGINE_UNAVAILABLE .*WebGPU/),
    ])
  })

  test('files are as good as an address, and a damaged one is named', async () => {
    const outcome = await web.page.evaluate(async (question) => {
      const names = ['config.json', 'generation_config.json', 'longtake.json', 'model.safetensors']
      const more = ['preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json']
      const clip = ['clip/config.json', 'clip/tokenizer.json']
      const files = new Map<string, Blob>()
      for (const name of [...names, ...more, ...clip])
        files.set(name, await (await fetch(`/checkpoint/${name}`)).blob())
      const own = await longtake.load(files)
      const video = await own.watch('/data/demo/0000.mp4', { frames: 16 })
      const { text } = await video.ask(question)
      await own.close()
      const other = await tiny.watch('/data/demo/0000.mp4', { frames: 16 })
      const expected = (await other.ask(question)).text
      await other.close()
      const weights = files.get('model.safetensors') as Blob
      files.set('model.safetensors', weights.slice(0, 1_000_000))
      const failure = await longtake.load(files).catch(({ code, message }) => ({ code, message }))
      return { text, expected, failure: failure as { code: string; message: string } }
    }, QUESTION)
    expect(outcome.text).toBe(outcome.expected)
    expect(outcome.failure.code).toMatch(/^CHECKPOINT_/)
    expect(outcome.failure.message).toContain('model.safetensors')
  })

  test('a chat template makes the prompt, and one that never ends is ended', async () => {
    const outcomes = await web.page.evaluate(async () => {
      const files = new Map<string, Blob>()
      for (const name of ['config.json', 'model.safetensors', 'preprocessor_config.json', 'tokenizer.json'])
        files.set(name, await (await fetch(`/checkpoint/${name}`)).blob())
      for (const name of ['clip/config.json', 'clip/tokenizer.json'])
        files.set(name, await (await fetch(`/checkpoint/${name}`)).blob())
      const attempt = async (template: string) => {
        files.set('chat_template.jinja', new Blob([template]))
        try {
          const own = await longtake.load(files)
          await own.close()
          return 'loaded'
        } catch (error) {
          return (error as Error).message
        }
      }
      const endless = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}'
      return [
        await attempt('{% for m in messages %}USER: {{ m.content }}{% endfor %}'),
        await attempt(endless),
        await attempt('{{ nothing.of.this }}'),
      ]
    })
    expect(outcomes).toEqual(['loaded', expect.stringMatching(/longer than 5 s/), expect.any(String)])
    expect(outcomes[2]).not.toBe('loaded')
  })

  test('cancelling leaves nothing behind, and the model goes on', async () => {
    const outcome = await web.page.evaluate(async (question) => {
      const stop = new AbortController()
      const stages: string[] = []
      const watching = tiny.watch('/data/demo/0001.mp4', {
        frames: 64,
        signal: stop.signal,
        onProgress: ({ stage, done }) => {
          stages.push(stage)
          if (stage === 'encode' && done > 0) stop.abort()
        },
      })
      const watched = await watching.catch(({ code }) => code)
      const video = await tiny.watch('/data/demo/0000.mp4', { frames: 64 })
      const cancelled = video.ask(question)
      cancelled.cancel()
      const failure = (answer: typeof cancelled) =>
        answer.then(
          () => 'answered',
          ({ code }: { code: string }) => code,
        )
      const asked = await failure(cancelled)
      const again = (await video.ask(question)).text
      const pending = failure(video.ask(question))
      await video.close()
      return { watched, stages: [...new Set(stages)], asked, again, closed: await pending }
    }, QUESTION)
    expect(outcome).toMatchObject({ watched: 'CANCELLED', asked: 'CANCELLED', closed: 'ENGINE_CLOSED' })
    expect(outcome.stages).toEqual(['open', 'decode', 'encode'])
    expect(outcome.again).not.toBe('')
  })

  test('a large video is read by range, and one that changes meanwhile is refused', async () => {
    const facts = await web.page.evaluate(async () => {
      const video = await longtake.openVideo('/large.mp4')
      const taken = []
      for await (const { timestampSeconds } of video.frames([0, 10, 30], 'keyframe'))
        taken.push(timestampSeconds)
      await video.close()
      return { ...video.facts, taken }
    })
    expect(facts).toMatchObject({ width: 144, height: 144, durationSeconds: 32 })
    expect(facts.taken).toHaveLength(3)
    // One request to learn its size, and then parts.
    expect(requests[0]).toBe('whole')
    expect(requests.slice(1).every((range) => range.startsWith('bytes='))).toBe(true)
    const failure = await web.page.evaluate(async () =>
      longtake.openVideo('/changing.mp4').then(
        () => 'opened',
        ({ code, message }) => `${code} ${message}`,
      ),
    )
    expect(failure).toMatch(/^VIDEO_UNREADABLE .*changed on the server/)
  })
})

test.skipIf(chromium === undefined)(
  'a page without ONNX Runtime’s file says where it has to be',
  async () => {
    await using web = await openWebPage()
    const failure = await web.page.evaluate(async () =>
      longtake.load('/checkpoint/', { wasmPaths: '/nowhere/' }).then(
        () => 'loaded',
        ({ code, message }) => `${code} ${message}`,
      ),
    )
    expect(failure).toMatch(/^ENGINE_UNAVAILABLE .*wasmPaths/)
  },
)

describe.skipIf(chromium === undefined)(`${place}, on a graphics card`, () => {
  test('what sees pictures computes the same there', async () => {
    await using web = await openWebPage({ args: CARD })
    const outcome = await web.page.evaluate(async (question) => {
      const pictures = Array.from({ length: 8 }, (_, index) => {
        const rgb = new Uint8Array(20 * 16 * 3).map((__, at) => (at * 7 + index * 31) % 256)
        return { rgb, width: 20, height: 16, timestampSeconds: 2 + index }
      })
      const inspect = async (backend: 'wasm' | 'webgpu') => {
        const own = await longtake.load('/checkpoint/', { backend })
        const { visionFeatures, logits, greedy } = await own.inspect(pictures, { question, greedyTokens: 4 })
        const name = own.backend.name
        await own.close()
        return { name, greedy, values: [visionFeatures.data, logits.data] }
      }
      const [card, cpu] = [await inspect('webgpu'), await inspect('wasm')]
      const differences = card.values.map((values, at) =>
        values.reduce(
          (most, value, index) => Math.max(most, Math.abs(value - (cpu.values[at]?.[index] ?? 0))),
          0,
        ),
      )
      return { name: card.name, greedy: [card.greedy, cpu.greedy], differences }
    }, QUESTION)
    expect(outcome.name).toBe('webgpu')
    expect(outcome.greedy[0]).toEqual(outcome.greedy[1])
    for (const difference of outcome.differences) expect(difference).toBeLessThan(1e-3)
  })
})

// In the page.
type Tiny = Awaited<ReturnType<typeof longtake.load>>
declare const tiny: Tiny

/** The same film behind so much padding that it is not fetched whole. */
function padded(bytes: Buffer): Buffer {
  const padding = Buffer.alloc(66 * 2 ** 20)
  padding.writeUInt32BE(padding.length, 0)
  padding.write('free', 4, 'latin1')
  return Buffer.concat([bytes, padding])
}

function sendRange(bytes: Buffer, { headers }: IncomingMessage, response: ServerResponse): void {
  const asked = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader('content-type', 'video/mp4')
  if (asked === null) {
    response.setHeader('content-length', bytes.length)
    response.end(bytes)
    return
  }
  const [start, end] = [Number(asked[1]), Number(asked[2])]
  response.statusCode = 206
  response.setHeader('content-range', `bytes ${start}-${end}/${bytes.length}`)
  response.end(bytes.subarray(start, end + 1))
}
