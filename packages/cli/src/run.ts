import { ExitCode } from './exit-code.js'
import { main } from './main.js'

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
}
