import { isLongtakeError } from '@longtake/core'
import type { Benchmark } from './benchmark.js'
import { describeRun } from './environment.js'

/** Where a run writes. */
export interface Output {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
}

/** Exit codes: 0 done, 1 a bound was missed, 2 the benchmark could not run. */
export type ExitCode = 0 | 1 | 2

/**
 * Runs one benchmark by name.
 *
 * With `--json` exactly one JSON object goes to stdout, everything else to stderr.
 *
 * @param args - The name, then its options.
 */
export async function runBench(
  benchmarks: readonly Benchmark[],
  args: readonly string[],
  { stdout, stderr }: Output,
): Promise<ExitCode> {
  const [name, ...rest] = args
  const benchmark = benchmarks.find((known) => known.name === name)
  if (benchmark === undefined || rest.includes('--help')) {
    const wanted = benchmark ? [benchmark] : benchmarks
    const isAsked = benchmark !== undefined || name === undefined || name === '--help'
    stderr(`${isAsked ? '' : `There is no benchmark ${name}.\n`}${describeUse(wanted)}`)
    return isAsked && name !== undefined ? 0 : 2
  }
  const isJson = rest.includes('--json')
  try {
    const others = rest.filter((arg) => arg !== '--json')
    const { result, text, failed } = await benchmark.run(others, (line) => stderr(line))
    const run = await describeRun()
    stdout(
      isJson
        ? JSON.stringify({ benchmark: benchmark.name, ...result, run }, null, 2)
        : `${text}\n\n${describeRunLine(run)}`,
    )
    return failed ? 1 : 0
  } catch (error) {
    stderr(isLongtakeError(error) ? `${benchmark.name}: ${error.message}` : describeFault(error))
    return 2
  }
}

function describeUse(benchmarks: readonly Benchmark[]): string {
  const parts = benchmarks.map(({ name, summary, options }) =>
    [`  ${name}  ${summary}`, ...options.map((option) => `      ${option}`)].join('\n'),
  )
  return `Use: npm run -s bench -- NAME [--json] [OPTIONS]\n\n${parts.join('\n')}`
}

function describeRunLine(run: Awaited<ReturnType<typeof describeRun>>): string {
  const { commit, date, runtime, onnxRuntime, cpu, cores } = run
  return `${commit.slice(0, 12)}, ${date}, ${runtime}, ONNX Runtime ${onnxRuntime}, ${cpu}, ${cores} cores`
}

function describeFault(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
