import { createInterface, type Interface } from 'node:readline'
import { CancelledError, isLongtakeError } from '@longtake/core'
import type { Answer, WatchedVideo } from '@longtake/runtime'
import { describeAnswer } from '../describe.js'
import { describeFailure, ExitCode, exitCodeOf } from '../exit-code.js'
import type { Session } from '../main.js'
import type { ModelFlags } from '../model-options.js'
import { type AnswerFlags, askOptions, type WatchFlags } from '../options.js'
import { checkOutput, writeOutput } from '../output-file.js'
import { Progress } from '../progress.js'
import { type Prepared, prepare, tell, watch } from '../watching.js'
import { stream } from './ask.js'
import { printPlan } from './plan.js'

export interface ChatFlags extends ModelFlags, WatchFlags, AnswerFlags {
  readonly quiet?: boolean
}

const HELP = `Type a question and press Enter. Each is answered from the video alone.
  /plan                 what was watched, and what it costs
  /storyboard FILE.png  the frames, those of the last answer marked
  /help                 this text
  /quit                 ends the chat, as does Ctrl-D; Ctrl-C stops an answer`

/**
 * `longtake chat`: watches a video, or looks at images, once and answers questions, one a line, until the input ends.
 *
 * @returns `answered`, or the code of the first question that could not be answered.
 */
export async function chat(files: readonly string[], flags: ChatFlags, session: Session): Promise<ExitCode> {
  const { err } = session
  const progress = new Progress(err, { quiet: flags.quiet })
  await using prepared = await prepare(files, flags, session, progress)
  await using video = await watch(prepared, session, progress, flags.quiet)
  // Awaited, because leaving closes the video.
  return await new Chat(video, prepared, flags, session).run()
}

class Chat {
  readonly #video: WatchedVideo
  readonly #prepared: Prepared
  readonly #flags: ChatFlags
  readonly #session: Session
  /** Whether a person types and sees the prompt. */
  readonly #isInteractive: boolean
  #answer: Answer | undefined
  #code: ExitCode = ExitCode.answered
  #isInterrupted = false

  constructor(video: WatchedVideo, prepared: Prepared, flags: ChatFlags, session: Session) {
    this.#video = video
    this.#prepared = prepared
    this.#flags = flags
    this.#session = session
    this.#isInteractive = session.io.stdin.isTTY === true && session.err.isTerminal
  }

  async run(): Promise<ExitCode> {
    const { signal, err } = this.#session
    const input = this.#openInput()
    // Listening comes before prompting, so that no line is missed.
    const lines = input[Symbol.asyncIterator]()
    const stop = (): void => input.close()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      if (this.#isInteractive && !this.#flags.quiet)
        err.line('Ask about the video; /help tells more, /quit ends.')
      if (this.#isInteractive) input.prompt()
      for await (const line of lines) {
        if (!(await this.#take(line.trim()))) break
        if (signal.aborted) break
        if (this.#isInteractive) input.prompt()
      }
    } finally {
      signal.removeEventListener('abort', stop)
      input.close()
    }
    if (signal.aborted || this.#isInterrupted) throw new CancelledError()
    return this.#code
  }

  #openInput(): Interface {
    const { stdin, stderr } = this.#session.io
    const isTerminal = this.#isInteractive
    const lines = createInterface({
      input: stdin,
      ...(isTerminal && { output: stderr, prompt: '> ' }),
      terminal: isTerminal,
    })
    lines.on('SIGINT', () => {
      if (this.#answer !== undefined) {
        this.#answer.cancel()
        return
      }
      this.#isInterrupted = true
      lines.close()
    })
    return lines
  }

  /** Does what a line says; false ends the chat. */
  async #take(line: string): Promise<boolean> {
    if (line === '') return true
    if (line === '/quit' || line === '/exit') return false
    try {
      if (line.startsWith('/')) await this.#command(line)
      else await this.#ask(line)
    } catch (error) {
      this.#tell(error)
    }
    return true
  }

  async #ask(question: string): Promise<void> {
    const { out, err, signal } = this.#session
    const answer = this.#video.ask(question, askOptions(this.#flags, signal))
    this.#answer = answer
    try {
      await stream(answer, out)
      const result = await answer
      if (!this.#flags.quiet) {
        tell(err, result.notes)
        err.line(err.style('dim', describeAnswer(this.#video, result, result.timings.total)))
      }
    } finally {
      this.#answer = undefined
    }
  }

  async #command(line: string): Promise<void> {
    const { err } = this.#session
    const [name = '', ...rest] = line.split(/\s+/)
    const path = rest.join(' ')
    if (name === '/plan') printPlan(err, this.#prepared.facts, this.#video.plan, this.#prepared.longtake.spec)
    else if (name === '/storyboard') await this.#storyboard(path)
    else {
      if (name !== '/help') err.line(err.plain(`There is no command ${name}.`))
      err.line(HELP)
    }
  }

  async #storyboard(path: string): Promise<void> {
    const { err } = this.#session
    const file = { option: 'storyboard', ending: '.png', path } as const
    await checkOutput(file, this.#prepared.files)
    await writeOutput(file, await this.#video.storyboard())
    err.line(err.plain(`storyboard: ${path}`))
  }

  /** Tells what was wrong with one question; what ends every later question too is thrown on. */
  #tell(error: unknown): void {
    const { io, err, signal } = this.#session
    if (signal.aborted || !isLongtakeError(error)) throw error
    const code = exitCodeOf(error)
    if (code === ExitCode.interrupted) {
      err.line(err.style('yellow', 'Stopped.'))
      return
    }
    if (code !== ExitCode.usage) throw error
    err.line(`${err.style('red', 'error:')} ${err.plain(describeFailure(error, io.env))}`)
    if (this.#code === ExitCode.answered) this.#code = code
  }
}
