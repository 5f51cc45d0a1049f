import { execFileSync } from 'node:child_process'
import { copyFile, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkPage } from '../packages/cli/test/check-page.js'
import { type RunResult, runCli } from '../packages/cli/test/run-cli.js'
import { film } from './support/films.js'
import { withoutPermission } from './support/permission.js'
import { temporaryPath, useTemporaryFolder } from './support/temporary-folder.js'
import { dataPath, TINY } from './support/tiny-model.js'

useTemporaryFolder()

const VIDEO = film('h264.mp4')
const FLAGS = ['--model', TINY, '--threads', '1', '--frames', '8', '--max-tokens', '3']
const isWindows = process.platform === 'win32'

let folder = ''

beforeAll(async () => {
  folder = temporaryPath('pages')
  await mkdir(folder)
})

const trace = (file: string, question: string, out: string, ...more: string[]): Promise<RunResult> =>
  runCli(['trace', ...FLAGS, '--out', out, ...more, '--', file, question])

/** Expects one sentence that begins with the name of the option, and nothing else. */
function expectRefused({ code, stdout, stderr }: RunResult, start: RegExp): void {
  expect(stderr).toMatch(/^error: [^\n]*\n$/)
  expect(stderr.slice('error: '.length)).toMatch(start)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
}

describe('a page', () => {
  // Windows has no such names.
  test.skipIf(isWindows).each([
    ['ends a line', 'a\nb.mp4'],
    ['turns the direction of writing', '\u202egpj.\u2067mp4'],
    ['steers a terminal', '\u001b]0;owned\u0007\u001b[2J.mp4'],
    ['ends the title', '<\u007ftitle><script>alert(1)<\u007fscript>.mp4'],
    ['looks like an option', '--out=x.mp4'],
    ['is as long as may be', `${'🎞'.repeat(62)}.mp4`],
    ['has quotes and entities', `"'&#60;&amp;\`$(id).mp4`],
  ])('of a file whose name %s is sound', async (_, name) => {
    const path = join(folder, name)
    await copyFile(VIDEO, path)
    const out = join(folder, 'named.html')
    const result = await trace(path, 'What?', out)
    expect(result).toMatchObject({ code: 0 })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
    expect(result.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e\u2067]/)
    checkPage(await readFile(out, 'utf8'))
  })

  test.each([
    ['markup', '</title></h1><script>alert(1)</script><img src=x onerror=alert(1)>', '&lt;script&gt;'],
    ['a way out of an attribute', '" style="x" onload=\'alert(1)\'', '&quot; style=&quot;x'],
    ['half a surrogate pair', 'what \ud800 ?', 'what \ufffd ?'],
    ['control characters', 'what\u0000\u001b[31m is ?', 'what\ufffd\ufffd[31m is ?'],
    ['only emoji', '🙂🙂', '🙂🙂'],
    ['another direction', 'ما هو الشكل الأول؟ \u202e', 'ما هو الشكل الأول؟'],
    ['an end of the document', '--></body></html><!-- ]]>', '&lt;/html&gt;&lt;!--'],
  ])('of a question with %s says it in words', async (_, question, shown) => {
    const out = join(folder, 'asked.html')
    expect(await trace(VIDEO, question, out)).toMatchObject({ code: 0 })
    const page = await readFile(out, 'utf8')
    checkPage(page)
    expect(page).toContain(shown)
  })

  test('replaces one that was there', async () => {
    const out = join(folder, 'again.html')
    await writeFile(out, 'x'.repeat(5_000_000))
    expect(await trace(VIDEO, 'What?', out)).toMatchObject({ code: 0 })
    const page = await readFile(out, 'utf8')
    checkPage(page)
    expect(page).not.toContain('xxxxxxxxxx')
  })

  test('of a question that is too long is not written', async () => {
    const out = join(folder, 'long.html')
    const { code, stdout, stderr } = await trace(VIDEO, 'what is '.repeat(5000), out)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/\nerror: The question takes \d+ tokens of .*--prompt-tokens\.\n$/)
    expect(await readdir(folder)).not.toContain('long.html')
  })
})

describe('a place to write to', () => {
  test('that is missing, or named twice over, is asked for', async () => {
    expectRefused(await runCli(['trace', ...FLAGS, VIDEO, 'What?']), /^required option '--out <file>'/)
    expectRefused(
      await runCli(['trace', ...FLAGS, VIDEO, 'What?', '--out']),
      /^option '--out <file>' argument missing/,
    )
    expectRefused(await trace(VIDEO, 'What?', ''), /^--out: expected a path that ends in \.html/)
  })

  test.skipIf(isWindows)('that may not be written to is refused, and stays as it was', async () => {
    const closed = temporaryPath('closed')
    const kept = join(closed, 'page.html')
    await mkdir(closed)
    const attempt = () => trace(VIDEO, 'What?', kept)
    // Whether it is seen before anything runs depends on who runs the tests.
    const told = {
      code: 2,
      stderr: expect.stringMatching(/(^|\n)error: --out: [^\n]* can be written, got [^\n]*\n$/),
    }
    expect(await withoutPermission(closed, attempt, 0o555)).toMatchObject(told)
    expect(await readdir(closed)).toEqual([])
    await writeFile(kept, 'kept')
    expect(await withoutPermission(kept, attempt, 0o444)).toMatchObject(told)
    expect(await readFile(kept, 'utf8')).toBe('kept')
  })

  test.skipIf(isWindows)('that is a pipe is refused, not waited for', async () => {
    const pipe = join(folder, 'pipe.html')
    execFileSync('mkfifo', [pipe])
    expectRefused(await trace(VIDEO, 'What?', pipe), /^--out: expected the path of an ordinary file/)
  })

  test('that is the video itself, by whatever name, is refused', async () => {
    const video = join(folder, 'video.html')
    await copyFile(VIDEO, video)
    await link(video, join(folder, 'linked.html'))
    await symlink(video, join(folder, 'pointed.html'))
    for (const name of ['video.html', 'linked.html', 'pointed.html', 'sub/../video.html']) {
      await mkdir(join(folder, 'sub'), { recursive: true })
      const result = await trace(video, 'What?', `${folder}/${name}`)
      expectRefused(result, /^--out: expected another file than those that are looked at/)
    }
    expect((await stat(video)).size).toBe((await stat(VIDEO)).size)
  })

  test('that is a picture which is looked at is refused, in ask and in chat', async () => {
    const [one, two] = [join(folder, 'one.png'), join(folder, 'two.png')]
    await copyFile(dataPath('images/rgb.png'), one)
    await copyFile(dataPath('images/grey.png'), two)
    const before = await readFile(two)
    const model = ['--model', TINY, '--threads', '1', '--max-tokens', '2']
    expectRefused(
      await runCli(['ask', one, two, 'What?', ...model, '--storyboard', two]),
      /^--storyboard: expected another file/,
    )
    const chatted = await runCli(['chat', one, two, ...model], { input: `/storyboard ${two}\n` })
    expect(chatted.code).toBe(2)
    expect(chatted.stderr).toMatch(/error: --storyboard: expected another file/)
    expect((await readFile(two)).equals(before)).toBe(true)
  })
})

test('a question that was forgotten is asked for: the last file is none', async () => {
  const files = ['rgb.png', 'grey.png'].map((name) => dataPath(`images/${name}`))
  expectRefused(
    await runCli(['ask', ...files, '--model', TINY]),
    /^question: expected a question after the files/,
  )
})
