import { describe, expect, test } from 'vitest'
import { CHECKPOINT, type RunOptions, runCli, VIDEO } from '../test/run-cli.js'

const ERASE = '\u001b[K'
/** How every colour of a terminal begins. */
const COLOUR = '\u001b[3'

const ask = (options: RunOptions, ...flags: string[]) =>
  runCli(['ask', VIDEO, 'What is first?', '--model', CHECKPOINT, '--max-tokens', '4', ...flags], options)

describe('interrupt', () => {
  test.each(['load: ', 'open: ', 'decode: ', 'encode: ', 'prefill: '])(
    'after %s ends with 130',
    async (line) => {
      const controller = new AbortController()
      const onWrite: RunOptions['onWrite'] = (_stream, text) => {
        if (text.startsWith(line)) controller.abort()
      }
      const { code, stdout, stderr } = await ask({ signal: controller.signal, onWrite })
      expect(stderr).toMatch(/\nInterrupted\.\n$/)
      expect({ code, stdout: line === 'prefill: ' ? '' : stdout }).toEqual({ code: 130, stdout: '' })
    },
  )

  test('before anything begins ends with 130', async () => {
    const signal = AbortSignal.abort()
    expect(await ask({ signal })).toEqual({ code: 130, stdout: '', stderr: 'Interrupted.\n' })
    expect(await runCli(['doctor'], { signal })).toMatchObject({ code: 130 })
    expect(await runCli(['chat', VIDEO, '--model', CHECKPOINT], { signal })).toMatchObject({ code: 130 })
  })

  test('while a chat waits for a question ends with 130', async () => {
    const controller = new AbortController()
    const onWrite: RunOptions['onWrite'] = (_stream, text) => {
      if (text.startsWith('prefill: ')) setTimeout(() => controller.abort(), 200)
    }
    const { code } = await runCli(['chat', VIDEO, '--model', CHECKPOINT], {
      signal: controller.signal,
      onWrite,
    })
    expect(code).toBe(130)
  })

  test('in the middle of an answer ends with 130', async () => {
    const controller = new AbortController()
    const onWrite: RunOptions['onWrite'] = (stream) => {
      if (stream === 'stdout') controller.abort()
    }
    const long = ['--max-tokens', '4000', '--temperature', '50', '--seed', '1']
    const { code } = await ask({ signal: controller.signal, onWrite }, ...long)
    expect(code).toBe(130)
  })
})

describe('output that nobody reads', () => {
  test('ends quietly', async () => {
    expect(await ask({ stdoutFailure: 'EPIPE' }, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await runCli(['models'], { stdoutFailure: 'EPIPE' })).toMatchObject({ code: 0 })
  })

  test('but a full disk is told', async () => {
    const { code, stderr } = await ask({ stdoutFailure: 'ENOSPC' }, '--quiet')
    expect(stderr).toBe('error: The output could not be written (write ENOSPC).\n')
    expect(code).toBe(1)
  })
})

describe('progress', () => {
  test('is one live line on a terminal, within its width, and gone at the end', async () => {
    const { stderr } = await ask({ terminal: 'all', columns: 40, env: { NO_COLOR: '1' } }, '--frames', '16')
    const painted = stderr.split('\r').filter((line) => /^(load|open|decode|encode|prefill) /.test(line))
    expect(painted).toContainEqual(expect.stringMatching(/^decode {2}█+ 16\/16 frames/))
    for (const line of painted) {
      expect(line.endsWith(ERASE)).toBe(true)
      expect(line.length - ERASE.length).toBeLessThan(40)
    }
    expect(stderr).toContain(`\r${ERASE}`)
  })

  test.each([
    ['piped', { terminal: 'none' }],
    ['in CI', { terminal: 'all', env: { CI: 'true' } }],
    ['on a dumb terminal', { terminal: 'all', env: { TERM: 'dumb' } }],
  ] as const)('is plain lines when %s', async (_name, options) => {
    const { stderr } = await ask({ ...options }, '--frames', '8')
    expect(stderr).toMatch(/^decode: 8\/8 frames \d+\.\d\d s$/m)
    expect(stderr).not.toContain('\r')
  })

  test('fits a terminal of 12 columns, and one without Unicode', async () => {
    const { stderr } = await ask({ terminal: 'stderr', columns: 12 })
    expect(stderr).toMatch(/\rdecode {3}/)
    const ascii = await ask({ terminal: 'stderr', env: { LANG: 'C' } })
    expect(ascii.stderr).toMatch(/#/)
    expect(ascii.stderr).not.toContain('█')
  })

  test('has colour on a terminal only, and none with NO_COLOR', async () => {
    expect((await ask({ terminal: 'all' })).stderr).toContain(COLOUR)
    expect((await ask({ terminal: 'all', env: { NO_COLOR: '1' } })).stderr).not.toContain(COLOUR)
    expect((await ask({})).stderr).not.toContain(COLOUR)
  })
})

describe('failures', () => {
  test('show no stack, except with LONGTAKE_DEBUG=1', async () => {
    const quiet = await runCli(['plan', 'none.mp4'])
    expect(quiet.stderr).toMatch(/^error: There is no file "none\.mp4": check the path\.\n$/)
    const loud = await runCli(['plan', 'none.mp4'], { env: { LONGTAKE_DEBUG: '1' } })
    expect(loud.stderr).toMatch(/\n {4}at /)
  })

  test('cannot steer a terminal by a file name', async () => {
    const { code, stderr } = await runCli(['plan', 'a\u001b]0;owned\u0007.mp4'], {
      terminal: 'all',
      env: { NO_COLOR: '1' },
    })
    expect(stderr).not.toContain('\u001b]')
    expect(code).toBe(3)
  })
})
