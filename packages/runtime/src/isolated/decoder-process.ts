import { EngineError, type SamplingMode } from '@longtake/core'
import type { VideoFrame } from '../video/frame-iteration.js'
import { openVideo, type Video } from '../video/open-video.js'
import { DECODER_MESSAGES } from './limits.js'
import type { Handlers, Peer, Served } from './peer.js'
import { serveParent } from './program.js'
import { borrowedSource, type SourceName } from './sources.js'

/** One pass over the video; the engine asks for a picture at a time. */
interface Pass {
  readonly pictures: AsyncIterator<VideoFrame>
  readonly controller: AbortController
  last?: VideoFrame
}

/** Decodes one video, whose bytes it asks for, and gives pictures. It has no model, and opens no path and no link. */
class Decoder {
  readonly #engine: Peer
  readonly #passes = new Map<number, Pass>()
  #video: Video | undefined
  #nextId = 1

  readonly handlers: Handlers = {
    open: (content, { signal }) => this.#open(content as OpenContent, signal),
    pass: async (content) => this.#startPass(content as PassContent),
    next: (content, served) => this.#next(content as number, served),
    return: (content) => this.#return(content as number),
  }

  constructor(engine: Peer) {
    this.#engine = engine
  }

  async #open({ sources, isList }: OpenContent, signal: AbortSignal) {
    const borrowed = sources.map((source) => borrowedSource(this.#engine, source))
    this.#video = await openVideo(isList ? borrowed : borrowed[0]!, { signal })
    const { facts, notes } = this.#video
    return { facts, notes }
  }

  #startPass({ timestamps, mode }: PassContent): number {
    if (this.#video === undefined) throw new EngineError('ENGINE_FAILED', 'No video is open.')
    const id = this.#nextId++
    const controller = new AbortController()
    const frames = this.#video.frames(timestamps, mode, { signal: controller.signal })
    this.#passes.set(id, { pictures: frames[Symbol.asyncIterator](), controller })
    return id
  }

  async #next(id: number, { signal }: Served) {
    const pass = this.#passes.get(id)
    if (pass === undefined) return undefined
    const cancel = (): void => pass.controller.abort()
    signal.addEventListener('abort', cancel, { once: true })
    const { done, value } = await pass.pictures.next()
    signal.removeEventListener('abort', cancel)
    if (done) return undefined
    // A picture that is shown again does not cross again.
    const isSame = value.rgb === pass.last?.rgb
    pass.last = value
    return { ...value, rgb: isSame ? undefined : value.rgb }
  }

  async #return(id: number): Promise<void> {
    const pass = this.#passes.get(id)
    this.#passes.delete(id)
    await pass?.pictures.return?.()
  }
}

interface OpenContent {
  readonly sources: readonly SourceName[]
  readonly isList: boolean
}

interface PassContent {
  readonly timestamps: readonly number[]
  readonly mode: SamplingMode
}

serveParent(DECODER_MESSAGES, (engine) => new Decoder(engine).handlers)
