import { CommanderError } from 'commander'
import { describeFailure, ExitCode, exitCodeOf } from './exit-code.js'
import type { Io, OutputStream } from './io.js'
import { buildProgram } from './program.js'
import { Terminal } from './terminal.js'

/** What every command is given. */
export interface Session {
  readonly io: Io
  readonly out: Terminal
  readonly err: Terminal
  /** Fires on an interrupt, and when nobody reads the output any more. */
  readonly signal: AbortSignal
}

/**
 * Runs the command line.
 *
 * @param argv - Arguments after the program's name.
 * @param io - Streams, environment and interrupt; nothing else of the process is touched.
 * @returns The exit code; failures are told on `io.stderr`, never thrown.
 */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  const { stdout, stderr, env, signal } = io
  const closed = new AbortController()
  const unwatch = [watchOutput(stdout, closed), watchOutput(stderr)]
  const err = new Terminal(stderr, env)
  const out = new Terminal(stdout, env)
  const session: Session = { io, out, err, signal: AbortSignal.any([signal, closed.signal]) }
  try {
    let code: ExitCode = ExitCode.answered
    await buildProgram(session, (result) => {
      code = result
    }).parseAsync([...argv], { from: 'user' })
    await out.flush()
    return closed.signal.aborted ? endOfOutput(closed.signal.reason, err) : code
  } catch (error) {
    if (closed.signal.aborted) return endOfOutput(closed.signal.reason, err)
    if (error instanceof CommanderError) return endOfParsing(error, argv, err)
    return endOfFailure(error, io, err)
  } finally {
    for (const stop of unwatch) stop()
  }
}

/** Keeps a stream's errors from ending the process; the first one of an awaited stream aborts `closed`. */
function watchOutput(stream: OutputStream, closed?: AbortController): () => void {
  const fail = (error: unknown): void => closed?.abort(error)
  stream.on('error', fail)
  // The listener stays after a failure: a second error may follow the first.
  return () => {
    if (closed?.signal.aborted !== true) stream.off('error', fail)
  }
}

/** Whoever reads the output may stop early, as `head` does; any other failure to write is told. */
function endOfOutput(reason: unknown, err: Terminal): ExitCode {
  const code = reason instanceof Error ? Reflect.get(reason, 'code') : undefined
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return ExitCode.answered
  const message = reason instanceof Error ? reason.message : String(reason)
  err.line(`${err.style('red', 'error:')} The output could not be written (${message}).`)
  return ExitCode.unexpected
}

function endOfParsing(error: CommanderError, argv: readonly string[], err: Terminal): ExitCode {
  if (error.exitCode === 0) return ExitCode.answered
  // No command at all: commander has shown the help.
  if (error.code === 'commander.help') return ExitCode.usage
  const message = error.message.replace(/^error: /, '').replace(/\n\(/, ' (')
  const named = argv.find((argument) => !argument.startsWith('-'))
  const command = named !== undefined && error.code !== 'commander.unknownCommand' ? ` ${named}` : ''
  const sentence = /[.?!)]$/.test(message) ? message : `${message}.`
  err.line(`${err.style('red', 'error:')} ${err.plain(sentence)} See: longtake${err.plain(command)} --help`)
  return ExitCode.usage
}

function endOfFailure(error: unknown, io: Io, err: Terminal): ExitCode {
  const code = exitCodeOf(error)
  if (code === ExitCode.interrupted) err.line(err.style('yellow', 'Interrupted.'))
  else err.line(`${err.style('red', 'error:')} ${err.plain(describeFailure(error, io.env))}`)
  return code
}
