import { describe, expect, test } from 'vitest'
import { CHECKPOINT, runCli, VIDEO } from '../test/run-cli.js'

const ask = (...flags: string[]) => runCli(['ask', VIDEO, 'What?', '--model', CHECKPOINT, ...flags])

describe('wrong usage ends with 2 and one sentence', () => {
  test.each([
    ['an unknown command', ['watch', 'talk.mp4'], /unknown command 'watch'\. See: longtake --help/],
    [
      'an unknown option',
      ['plan', VIDEO, '--frame', '8'],
      /unknown option '--frame' \(Did you mean --frames\?\)/,
    ],
    ['no file', ['ask'], /missing required argument 'inputs'. See: longtake ask --help/],
    ['no question', ['ask', VIDEO], /missing required argument 'question'/],
    ['a question without quotes', ['ask', VIDEO, 'What', 'is', 'it?'], /question: expected quotes around it/],
    ['a page without its place', ['trace', VIDEO, 'What?'], /required option '--out <file>' not specified/],
    [
      'a page without a question',
      ['trace', VIDEO, '--out', 'page.html'],
      /missing required argument 'question'/,
    ],
    ['an option without its value', ['ask', VIDEO, 'What?', '--frames'], /argument missing/],
  ])('%s', async (_name, argv, message) => {
    const { code, stdout, stderr } = await runCli(argv)
    expect(stderr).toMatch(/^error: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test.each([
    ['--frames', ['0', '-1', '1.5', 'NaN', '1e9', '4097', 'many', '8x', '']],
    ['--fps', ['0', '-1', 'Infinity', 'NaN', '1/2']],
    ['--max-frames', ['0', '5000']],
    ['--start', ['-1', 'NaN', '1:60', '1:2:3:4', ':', '1e3', 'soon']],
    ['--end', ['-1', '']],
    ['--layout', ['strided']],
    ['--rope', ['alibi']],
    ['--kv', ['int2']],
    ['--pooling', ['mean', '', 'constructor']],
    ['--kernel', ['2', '2,3', '2,3,3,3', '0,3,3', '-1,3,3', '2,3,x', '1.5,3,3', '4097,1,1', '']],
    ['--tokens', ['0', '-1', '1.5', 'NaN', 'many', '']],
    ['--cache-size', ['0', '-1', 'all']],
    ['--cache-dir', ['', ' ']],
    ['--method', ['fast', 'pooling=mean', 'rearrange=strided', 'context', 'constructor=1', '']],
    ['--sampling', ['random']],
    ['--memory', ['0', '-1', 'lots', '1 TiB', 'NaN']],
    ['--max-tokens', ['0', '-4', '1.5', 'NaN']],
    ['--temperature', ['-1', 'NaN', '101', 'hot']],
    ['--top-p', ['0', '1.1', 'NaN']],
    ['--top-k', ['-1', '1.5', 'all']],
    ['--min-p', ['-0.1', '1.1', 'NaN']],
    ['--repetition-penalty', ['0', '-1', '101', 'NaN', '']],
    ['--sampling-defaults', ['model', '']],
    ['--seed', ['-1', '1.5', '4294967296']],
    ['--stop', ['']],
    ['--backend', ['cuda']],
    ['--weights', ['int2']],
    ['--threads', ['0', '9999']],
  ])('%s with %j', async (flag, values) => {
    for (const value of values) {
      const { code, stdout, stderr } = await ask(flag, value)
      expect(stderr, `${flag} ${value}`).toMatch(/^error: [^\n]*\n$/)
      expect(stderr).toContain(flag)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
  })

  test.each([
    ['a stretch that is empty', ['--start', '1', '--end', '0.5']],
    ['a start behind the end of the video', ['--start', '99:00:00']],
    ['frames and a rate', ['--frames', '8', '--fps', '1']],
    ['a memory budget that nothing fits', ['--memory', '10']],
    ['two poolings', ['--pooling', 'max', '--method', 'pooling=average']],
    ['a window that nothing pools with', ['--kernel', '2,1,1', '--pooling', 'none']],
    ['a window where the checkpoint does not pool by itself', ['--kernel', '2,1,1']],
    ['a window larger than the volume', ['--pooling', 'average', '--kernel', '2,99,1']],
    ['a window and a number of tokens', ['--pooling', 'average', '--kernel', '1,1,1', '--tokens', '4']],
    ['guided pooling without a guide', ['--pooling', 'guided']],
    ['two layouts', ['--layout', 'contiguous', '--method', 'rearrange=interleaved']],
  ])('%s', async (_name, flags) => {
    const { code, stdout, stderr } = await ask(...flags)
    expect(stderr).toMatch(/(^|\n)error: --[^\n]*\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe('help', () => {
  test.each([
    ['--help'],
    ['ask', '--help'],
    ['chat', '-h'],
    ['plan', '--help'],
    ['models', '--help'],
    ['trace', '--help'],
    ['doctor', '--help'],
  ])('%s %s goes to stdout', async (...argv) => {
    const { code, stdout, stderr } = await runCli(argv)
    expect(stdout).toContain('Usage: longtake')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('is shown on stderr when there is no command', async () => {
    const { code, stdout, stderr } = await runCli([])
    expect(stderr).toContain('Usage: longtake')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('keeps to the width of the terminal', async () => {
    const { stdout } = await runCli(['ask', '--help'], { terminal: 'all', columns: 60 })
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  test('--version prints the version', async () => {
    expect(await runCli(['--version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    })
  })
})
