import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../packages/cli/test/run-cli.js'
import { readMarkdownFiles } from './markdown-files.js'
import { DOCS, ROOT } from './paths.js'
import { findSamples, type Sample } from './samples.js'

const samples = (await readMarkdownFiles()).flatMap(findSamples)
const programs = samples.filter(({ language }) => language !== 'sh')
const home = process.cwd()
let folder: string

beforeAll(async () => {
  // Beside the sources, where packages are found by their names.
  folder = await mkdtemp(join(DOCS, 'samples-'))
  await copyFile(join(ROOT, 'tests/data/demo/0000.mp4'), join(folder, 'talk.mp4'))
  await copyFile(join(ROOT, 'packages/tiny/checkpoint/model.safetensors'), join(folder, 'model.safetensors'))
  process.chdir(folder)
})
afterAll(async () => {
  process.chdir(home)
  await rm(folder, { recursive: true, force: true })
})

test('every program of the documents fits the packages’ types', async () => {
  const config = {
    extends: join(ROOT, 'tsconfig.check.json'),
    compilerOptions: { lib: ['ES2023', 'ESNext.Disposable', 'DOM'], noUnusedLocals: false, allowJs: true },
    include: ['*.ts', '*.js'],
    exclude: [],
  }
  await mkdir('types')
  await writeFile('types/tsconfig.json', JSON.stringify(config))
  for (const sample of programs) {
    await writeFile(join('types', `${fileName(sample)}.${sample.language}`), asModule(sample.code))
  }
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const run = promisify(execFile)(process.execPath, [tsc, '-p', 'types/tsconfig.json', '--pretty', 'false'])
  expect(await run.catch(({ stdout }: { stdout: string }) => ({ stdout, stderr: '' }))).toMatchObject({
    stdout: '',
  })
})

describe('programs', () => {
  for (const sample of programs.filter(({ notRun }) => notRun === undefined)) {
    test(`${sample.path}:${sample.line}`, async () => {
      const path = join(folder, `${fileName(sample)}.ts`)
      await writeFile(path, asModule(sample.code))
      const printed = await captured(async () => {
        await import(pathToFileURL(path).href)
      })
      if (sample.prints !== undefined) expect(trimmed(printed)).toEqual(trimmed(sample.prints))
    })
  }
})

describe('commands', () => {
  for (const sample of samples.filter(({ language, notRun }) => language === 'sh' && notRun === undefined)) {
    test(`${sample.path}:${sample.line}`, async () => {
      for (const line of sample.code.trimEnd().split('\n')) {
        const [name, ...argv] = wordsOf(line)
        expect(name, 'only longtake can be run: say “no-run: a reason”').toBe('longtake')
        expect(await runCli(argv), line).toMatchObject({ code: 0 })
      }
    })
  }
})

/** Each program stands alone, whether it imports something or not. */
function asModule(code: string): string {
  return `${code}\nexport {}\n`
}

function fileName({ path, line }: Sample): string {
  return `${path.replaceAll('/', '_').replace('.md', '')}-${line}`
}

function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, word]) => quoted ?? word ?? '')
}

/** What `work` prints, by `console.log` and on stdout. */
async function captured(work: () => Promise<void>): Promise<string> {
  const { log } = console
  const { write } = process.stdout
  let text = ''
  console.log = (...words: unknown[]) => {
    text += `${words.map((word) => (typeof word === 'string' ? word : inspect(word))).join(' ')}\n`
  }
  process.stdout.write = (piece: string | Uint8Array, ...rest: unknown[]) => {
    text += String(piece)
    const done = rest.at(-1)
    if (typeof done === 'function') done()
    return true
  }
  try {
    await work()
  } finally {
    console.log = log
    process.stdout.write = write
  }
  return text
}

function trimmed(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim())
}
