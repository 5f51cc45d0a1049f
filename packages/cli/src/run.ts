import { ExitCode } from './exit-code.js'
import { main } from './main.js'

/** Time for what libraries have left open to end by itself. */
const LEFT_OPEN_MS = 5000

/** Runs the command line in this process: its arguments, streams and signals, and its exit code. */
export async function run(): Promise<void> {
  const interrupt = new AbortController()
  const stop = (): void => {
    // The second time, the person does not want to wait for a step to end.
    if (interrupt.signal.aborted) process.exit(ExitCode.interrupted)
    interrupt.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, stop)
  const { stdin, stdout, stderr, env } = process
  process.exitCode = await main(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env,
    signal: interrupt.signal,
  })
  for (const name of signals) process.off(name, stop)
  // An input that stays open, such as a pipe from a sleeping program, would keep the process waiting.
  stdin.destroy()
  // Does nothing where nothing is left: a timer of this kind keeps no process.
  setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
}
