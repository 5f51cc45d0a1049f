import { EngineError } from '@longtake/core'
import { Child } from './child.js'
import { childEnvironment } from './environment.js'
import { DECODER_MESSAGES, MOST_DECODER_CALLS } from './limits.js'
import { LentSources } from './sources.js'

/** How decoder processes are watched. */
export interface DecoderLimits {
  readonly hangSeconds: number
  readonly memoryBytes: number
}

/** A process that decodes one video. */
export interface DecoderProcess {
  readonly child: Child
  /** What it may read. */
  readonly sources: LentSources
}

/**
 * Decoder processes, one for each video, so that what a video does to its decoder ends with it. One is kept ready.
 */
export class Decoders {
  readonly #limits: DecoderLimits
  readonly #running = new Set<DecoderProcess>()
  #spare: DecoderProcess | undefined
  #isClosed = false

  constructor(limits: DecoderLimits) {
    this.#limits = limits
    this.#spare = this.#start()
  }

  /** A process of the caller's own, to be given to `end`. */
  take(): DecoderProcess {
    if (this.#isClosed) throw new EngineError('ENGINE_CLOSED', 'The model was closed; load it again.')
    const spare = this.#spare
    this.#spare = undefined
    // One that ended while it waited is of no use.
    return spare !== undefined && !spare.child.isEnding ? spare : this.#start()
  }

  /** Ends a process that was taken, and has the next one ready. */
  end(decoder: DecoderProcess): void {
    decoder.child.kill('closed', 'its video was closed')
    if (!this.#isClosed) this.#spare ??= this.#start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const running = [...this.#running]
    for (const { child } of running) child.kill('closed', 'the model was closed')
    await Promise.all(running.map(({ child }) => child.ended))
  }

  #start(): DecoderProcess {
    const sources = new LentSources()
    const child = new Child({
      name: 'The decoder process',
      program: new URL('./decoder-process.js', import.meta.url),
      runtimeOptions: fewPermissions(),
      environment: childEnvironment(process.env),
      handlers: sources.handlers,
      limits: DECODER_MESSAGES,
      mostCalls: MOST_DECODER_CALLS,
      ...this.#limits,
    })
    const decoder = { child, sources }
    this.#running.add(decoder)
    void child.ended.then(() => this.#running.delete(decoder))
    return decoder
  }
}

/** Nothing but native code, files to read, and what libraries ask of the system: no network, no writing, no programs. */
const DENO_PERMISSIONS = ['--no-prompt', '--allow-ffi', '--allow-read', '--allow-env', '--allow-sys']

/**
 * What of the runtime's own doors can be shut for a process that only computes: on Node writing files and starting
 * programs, on Deno the network too; Bun has no such doors. Native code, such as a codec, is not held by that.
 */
function fewPermissions(): string[] {
  if ('Deno' in globalThis) return ['run', ...DENO_PERMISSIONS]
  const known = process.allowedNodeEnvironmentFlags
  if ('Bun' in globalThis || !known.has('--allow-addons')) return []
  const model = known.has('--permission') ? '--permission' : '--experimental-permission'
  return [model, '--allow-fs-read=*', '--allow-addons', '--allow-worker', '--no-warnings']
}
