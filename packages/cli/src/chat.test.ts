import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CHECKPOINT, type RunOptions, runCli, VIDEO } from '../test/run-cli.js'

const chat = (options: RunOptions, ...flags: string[]) =>
  runCli(['chat', VIDEO, '--model', CHECKPOINT, '--max-tokens', '4', ...flags], options)

describe('piped', () => {
  test('answers each line of one watched video, and skips empty ones', async () => {
    const { code, stdout, stderr } = await chat({ input: 'What is first?\n\nWhat is last?\nWhat is first?' })
    const answers = stdout.split('\n')
    expect(answers).toHaveLength(4)
    expect(answers[2]).toBe(answers[0])
    expect(stderr.match(/^prefill: /gm)).toHaveLength(1)
    expect(stderr).not.toContain('> ')
    expect(code).toBe(0)
  })

  test('goes on after a question that does not fit, and ends with its code', async () => {
    const { code, stdout, stderr } = await chat({ input: `${'what '.repeat(5000)}\nWhat?\n` })
    expect(stdout).toMatch(/^[^\n]*\n$/)
    expect(stderr).toMatch(/error: The question takes/)
    expect(code).toBe(2)
  })

  test('ends with 0 when nothing is asked, or at /quit', async () => {
    expect(await chat({ input: '' })).toMatchObject({ code: 0, stdout: '' })
    expect(await chat({ input: '/quit\nWhat?\n' })).toMatchObject({ code: 0, stdout: '' })
  })

  test('knows /help, /plan and /storyboard, and says what it does not know', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longtake-chat-'))
    const path = join(folder, 'board.png')
    const input = `/storyboard ${path}\nWhat?\n/storyboard ${path}\n/plan\n/dance\n/storyboard talk.mp4\n`
    const { code, stdout, stderr } = await chat({ input })
    expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG')
    expect(stdout).toMatch(/^[^\n]*\n$/)
    expect(stderr).toMatch(
      /KV cache[\s\S]*There is no command \/dance\.[\s\S]*\/help[\s\S]*error: --storyboard/,
    )
    expect(code).toBe(2)
    await rm(folder, { recursive: true })
  })

  test('refuses a bad video before it reads a line', async () => {
    const { code, stderr } = await runCli(['chat', 'none.mp4', '--model', CHECKPOINT], { input: 'What?\n' })
    expect(stderr).toMatch(/^error: There is no file/)
    expect(code).toBe(3)
  })
})

describe('on a terminal', () => {
  const atPrompt = (typed: string): RunOptions['onWrite'] => {
    let isTyped = false
    return (stream, text, stdin) => {
      if (isTyped || stream !== 'stderr' || !text.includes('> ')) return
      isTyped = true
      stdin.write(typed)
    }
  }

  test('prompts, answers and ends at /quit', async () => {
    const { code, stdout, stderr } = await chat({ terminal: 'all', onWrite: atPrompt('What?\r/quit\r') })
    expect(stderr).toContain('Ask about the video')
    expect(stdout).toMatch(/\n$/)
    expect(code).toBe(0)
  })

  test('Ctrl-D ends it well, Ctrl-C as an interrupt', async () => {
    expect(await chat({ terminal: 'all', onWrite: atPrompt('\u0004') })).toMatchObject({ code: 0 })
    expect(await chat({ terminal: 'all', onWrite: atPrompt('\u0003') })).toMatchObject({ code: 130 })
  })

  test('Ctrl-C during an answer stops only the answer', async () => {
    let isStopped = false
    const { code, stderr } = await chat(
      {
        terminal: 'all',
        onWrite: (stream, text, stdin) => {
          if (stream === 'stderr' && text.includes('> ') && !isStopped) stdin.write('What?\r')
          if (stream === 'stdout' && text !== '' && !isStopped) {
            isStopped = true
            stdin.write('\u0003/quit\r')
          }
        },
      },
      '--max-tokens',
      '4000',
      '--temperature',
      '50',
    )
    expect(stderr).toContain('Stopped.')
    expect(code).toBe(0)
  })
})
