import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePng } from '@longtake/runtime/video'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkPage } from '../test/check-page.js'
import { CHECKPOINT, dataPath, GUIDED, runCli, VIDEO } from '../test/run-cli.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longtake-trace-'))
  await mkdir(join(folder, 'sub.html'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const trace = async (files: readonly string[], question: string, ...flags: string[]) => {
  const out = join(folder, 'trace.html')
  const argv = ['trace', ...files, question, '--max-tokens', '4', '--out', out, ...flags]
  const result = await runCli(argv)
  return { ...result, page: result.code === 0 ? await readFile(out, 'utf8') : '' }
}

describe('trace', () => {
  test('answers as ask does, and writes a page of the real thing', async () => {
    const flags = ['--model', GUIDED, '--frames', '8', '--quiet']
    const { code, stdout, stderr, page } = await trace([VIDEO], 'What is first?', ...flags)
    const asked = await runCli(['ask', VIDEO, 'What is first?', '--max-tokens', '4', ...flags])
    expect({ code, stdout, stderr }).toEqual(asked)
    checkPage(page)
    expect(page).toContain(`<bdi>${stdout.trim().replaceAll("'", '&#39;')}</bdi>`)
    expect(page).toContain('class="heat"')
    expect(page).toContain('How patches became tokens')
  })

  test.each([
    ['average pooling', CHECKPOINT, ['--pooling', 'average', '--kernel', '2,1,1']],
    ['no pooling', CHECKPOINT, []],
    ['an unordered layout', GUIDED, ['--layout', 'unordered']],
  ])('works with %s', async (_name, model, flags) => {
    const { code, stderr, page } = await trace([VIDEO], 'What?', '--model', model, '--frames', '8', ...flags)
    expect(stderr).toMatch(/\ntrace: .*trace\.html\n$/)
    expect(code).toBe(0)
    checkPage(page)
  })

  test('takes names and questions that try to be markup', async () => {
    const name = join(folder, `<script>alert('1')&"x".mp4`)
    await copyFile(VIDEO, name)
    const { page } = await trace([name], '<img src=x onerror=alert(1)>', '--model', GUIDED, '--frames', '2')
    checkPage(page)
    expect(page).toContain('&lt;script&gt;alert(&#39;1&#39;)&amp;&quot;x&quot;.mp4')
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;')
  })

  test.each([
    ['the video itself', () => VIDEO],
    ['a folder', () => join(folder, 'sub.html')],
    ['a folder that is not there', () => join(folder, 'none', 'page.html')],
    ['an ending alone', () => join(folder, '.html')],
  ])('refuses to write to %s, before anything runs', async (_name, out) => {
    const { code, stdout, stderr } = await runCli([
      'trace',
      VIDEO,
      'What?',
      '--model',
      GUIDED,
      '--out',
      out(),
    ])
    expect(stderr).toMatch(/^error: --out: expected .*\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe('images', () => {
  const picture = async (name: string, shade: number): Promise<string> => {
    const path = join(folder, name)
    const rgb = new Uint8Array(40 * 30 * 3).fill(shade)
    await writeFile(path, encodePng({ width: 40, height: 30, rgb, channels: 3 }))
    return path
  }

  test('one or several are asked about like a video', async () => {
    const files = [await picture('a.png', 10), await picture('b.png', 200)]
    for (const some of [files.slice(0, 1), files]) {
      const argv = ['ask', ...some, 'Which is darker?', '--model', GUIDED, '--max-tokens', '2', '--json']
      const { code, stdout } = await runCli(argv)
      expect(code).toBe(0)
      expect(JSON.parse(stdout).frames).toHaveLength(some.length)
    }
    const { page } = await trace(files, 'Which is darker?', '--model', GUIDED)
    checkPage(page)
    expect(page).toContain('2 pictures were looked at')
    const planned = await runCli(['plan', ...files, '--model', GUIDED])
    expect(planned.stdout).toMatch(/^images .*2 stills/m)
    const chatted = await runCli(['chat', ...files, '--model', GUIDED, '--max-tokens', '2'], {
      input: 'Which?\n',
    })
    expect(chatted.code).toBe(0)
  })

  test('are planned in tiles where the model cuts them', async () => {
    const file = await picture('tiles.png', 10)
    const argv = ['plan', file, '--model', dataPath('parity/llava_next')]
    expect((await runCli(argv)).stdout).toMatch(/^encode +1 whole picture, 4 tiles$/m)
    const { plan } = JSON.parse((await runCli([...argv, '--json'])).stdout)
    expect(plan.crops).toMatchObject([{ tiles: [2, 2], tokens: plan.visualTokens }])
  })

  test('a video among them ends with 3, what is not there with 2', async () => {
    const file = await picture('c.png', 90)
    const mixed = await runCli(['ask', file, VIDEO, 'What?', '--model', GUIDED])
    expect(mixed).toMatchObject({ code: 3, stdout: '' })
    const missing = await runCli(['ask', file, join(folder, 'none.png'), 'What?', '--model', GUIDED])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toMatch(/^error: question: expected quotes around it, .*none\.png"\n$/)
  })
})
