import { type ChildProcess, fork } from 'node:child_process'
import { EngineError } from '@longtake/core'

/** What one process of a peer answers: a result, or why there is none. */
type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: string }

/** A peer in a process of its own, which answers one request at a time. */
export class PeerWorker {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #next = 0

  /**
   * @param program - The compiled module, which calls {@link serve}; what it prints goes to stderr.
   * @param signal - Ends the process at once.
   */
  constructor(program: URL, signal: AbortSignal) {
    // stdout belongs to the result of the benchmark.
    this.#child = fork(program, {
      stdio: ['ignore', 2, 2, 'ipc'],
      // A peer's ONNX Runtime must not report to its maker either.
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    })
    signal.addEventListener('abort', () => this.#child.kill('SIGKILL'))
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.once('error', () => resolve())
    })
  }

  /**
   * Sends one request and waits for its answer.
   *
   * @throws {EngineError} `ENGINE_FAILED` with the peer's own message, or if its process ends.
   */
  async ask<T>(request: object): Promise<T> {
    const id = this.#next++
    const replied = new Promise<Reply>((resolve) => {
      const listen = (reply: Reply): void => {
        if (reply.id !== id) return
        this.#child.off('message', listen)
        resolve(reply)
      }
      this.#child.on('message', listen)
    })
    if (this.#child.connected) this.#child.send({ id, request })
    const reply = await Promise.race([replied, this.#ended])
    if (reply === undefined) throw new EngineError('ENGINE_FAILED', 'The process of a peer ended early.')
    if ('fault' in reply) throw new EngineError('ENGINE_FAILED', reply.fault)
    return reply.value as T
  }
}

/** The other side: answers the requests that its parent sends, one after the other. */
export function serve<R>(answer: (request: R) => Promise<unknown>): void {
  let turn = Promise.resolve()
  process.on('message', ({ id, request }: { readonly id: number; readonly request: R }) => {
    turn = turn.then(async () => {
      try {
        process.send?.({ id, value: await answer(request) })
      } catch (error) {
        process.send?.({ id, fault: error instanceof Error ? error.message : String(error) })
      }
    })
  })
  // Nobody is left to answer, so nothing is worth finishing.
  process.on('disconnect', () => process.exit())
}
