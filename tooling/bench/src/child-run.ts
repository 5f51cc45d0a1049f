import { type ChildProcess, fork } from 'node:child_process'
import { EngineError } from '@longtake/core'

/**
 * Runs a program of this package in a process of its own: sends it one message and waits for its one message.
 *
 * @param program - The compiled module; what it prints goes to stderr.
 * @param onStart - Told the process, before it gets the message.
 * @throws {EngineError} `ENGINE_FAILED` if it ends without a message.
 */
export function runInChild<T>(
  program: URL,
  message: object,
  onStart?: (child: ChildProcess) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    // stdout belongs to the result of the benchmark.
    const child = fork(program, { stdio: ['ignore', 2, 2, 'ipc'] })
    let received: { readonly value: T } | undefined
    child.once('error', reject)
    child.once('message', (value) => {
      received = { value: value as T }
    })
    child.once('exit', (code, signal) => {
      if (received !== undefined && code === 0) resolve(received.value)
      else {
        const end = signal === null ? `exit code ${code}` : `signal ${signal}`
        reject(new EngineError('ENGINE_FAILED', `The process that measures ended with ${end}.`))
      }
    })
    onStart?.(child)
    child.send(message)
  })
}
