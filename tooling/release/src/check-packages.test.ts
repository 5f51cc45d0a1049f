import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CheckRow, checkPackages, checkTable, checkTarballs } from './check-packages.js'
import { publishedPackages } from './packages.js'
import { packAll } from './tarball.js'

const MANIFEST = {
  name: '@longtake/jobs',
  version: '1.2.3',
  description: 'A small package in the place of a real one.',
  keywords: ['small'],
  homepage: 'https://github.com/longtake/longtake/tree/main/packages/jobs#readme',
  bugs: 'https://github.com/longtake/longtake/issues',
  repository: {
    type: 'git',
    url: 'git+https://github.com/longtake/longtake.git',
    directory: 'packages/jobs',
  },
  license: 'Apache-2.0',
  author: 'The Longtake authors',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.19.0' },
  types: './dist/index.d.ts',
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist', 'src'],
  dependencies: { helper: '^1.0.0' },
  publishConfig: { access: 'public', provenance: true },
}

const MAP = JSON.stringify({
  version: 3,
  file: 'index.js',
  sources: ['../src/index.ts'],
  names: [],
  mappings: '',
})

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-release-'))
  await write(
    'package.json',
    JSON.stringify({ name: 'root', version: '0.0.0', license: 'MIT', workspaces: ['packages/*'] }),
  )
  await writeLock()
  const folder = 'packages/jobs'
  await writeManifest({})
  await write(`${folder}/LICENSE`, 'Apache License')
  await write(`${folder}/README.md`, '# small')
  await write(`${folder}/src/index.ts`, 'export const answer: number = 42\n')
  await write(`${folder}/dist/index.js`, 'export const answer = 42\n')
  await write(`${folder}/dist/index.d.ts`, 'export declare const answer: number;\n')
  await write(`${folder}/dist/index.js.map`, MAP)
  await write(`${folder}/dist/index.d.ts.map`, MAP)
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

test('a sound package passes every check, and what was measured is told', async () => {
  const rows = await checkPackages(root)
  expect(problems(rows)).toEqual([])
  expect(rows.map(({ check }) => check)).toEqual([
    'manifest',
    'files',
    'publint',
    'types',
    'tarball',
    'entries',
    'licences',
  ])
  expect(checkTable(rows)).toMatch(/✓ entries: \. 0\.\d kB/)
  expect(checkTable(rows)).toContain('✓ licences: 2 MIT, 1 Apache-2.0')
})

test('a file that `exports` names and the tarball lacks', async () => {
  await rm(join(root, 'packages/jobs/dist/index.js'))
  expect(problems(await checkPackages(root))).toContain(
    'files: dist/index.js is not in the tarball; build it, or add it to `files` in package.json.',
  )
})

test('types that lead nowhere', async () => {
  await write('packages/jobs/dist/index.d.ts', "export * from './gone.js';\n")
  expect(problems(await checkPackages(root))).toContain(
    'types: Types are wrong (InternalResolutionError): /node_modules/@longtake/jobs/dist/index.d.ts names "./gone.js". See https://arethetypeswrong.github.io.',
  )
})

test('an entry beyond its limit', async () => {
  const noise = Array.from({ length: 9000 }, (_, index) => (Math.sin(index) * 2 ** 40).toString(36)).join('')
  await write('packages/jobs/dist/index.js', `export const answer = '${noise}'\n`)
  expect(problems(await checkPackages(root))).toContainEqual(
    expect.stringMatching(/^entries: @longtake\/jobs \. is [\d.]+ kB min\+gzip, more than 15 kB: /),
  )
})

test('tests, leftovers of compilers, and maps without their sources', async () => {
  await write('packages/jobs/src/answer.test.ts', '')
  await write('packages/jobs/dist/jobs.tsbuildinfo', '{}')
  await write('packages/jobs/dist/gone.js.map', MAP.replace('src/index.ts', 'src/gone.ts'))
  const found = problems(await checkPackages(root))
  for (const path of ['src/answer.test.ts', 'dist/jobs.tsbuildinfo']) {
    expect(found).toContainEqual(expect.stringContaining(`files: ${path} is in the tarball`))
  }
  expect(found).toContainEqual(
    expect.stringContaining('dist/gone.js.map leads to src/gone.ts, which is not in the tarball'),
  )
})

test('a manifest that runs code on install, is private by default, or says where it comes from wrongly', async () => {
  await writeManifest({
    scripts: { postinstall: 'node build.js' },
    publishConfig: {},
    repository: {
      type: 'git',
      url: 'git+https://github.com/longtake/longtake.git',
      directory: 'packages/other',
    },
  })
  expect(problems(await checkPackages(root))).toEqual(
    expect.arrayContaining([
      'manifest: package.json: `repository.directory` has to be packages/jobs.',
      'manifest: package.json: `publishConfig.access` has to be "public".',
      'manifest: package.json: `publishConfig.provenance` has to be true.',
      "manifest: package.json: the script `postinstall` would run on users' machines; remove it.",
    ]),
  )
})

test('packages of one release ask for each other by caret range', async () => {
  await write(
    'packages/ai/package.json',
    JSON.stringify({ name: '@longtake/ai', version: '1.2.3', dependencies: { '@longtake/jobs': '1.2.3' } }),
  )
  const rows = await checkTarballs(root, await packAll(await publishedPackages(root), root))
  expect(problems(rows)).toContain(
    'manifest: package.json: asks for @longtake/jobs "1.2.3"; it has to be "^1.2.3".',
  )
  expect(rows[0]?.package).toBe('@longtake/jobs')
})

async function write(path: string, text: string): Promise<void> {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

async function writeManifest(changes: Readonly<Record<string, unknown>>): Promise<void> {
  await write('packages/jobs/package.json', JSON.stringify({ ...MANIFEST, ...changes }))
}

async function writeLock(): Promise<void> {
  const lock = {
    name: 'root',
    version: '0.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'root', version: '0.0.0', license: 'MIT', workspaces: ['packages/*'] },
      'node_modules/@longtake/jobs': { resolved: 'packages/jobs', link: true },
      'node_modules/helper': { version: '1.0.0', license: 'MIT' },
      'packages/jobs': {
        name: '@longtake/jobs',
        version: '1.2.3',
        license: 'Apache-2.0',
        dependencies: { helper: '^1.0.0' },
      },
    },
  }
  await write('package-lock.json', JSON.stringify(lock))
}

function problems(rows: readonly CheckRow[]): readonly string[] {
  return rows.flatMap((row) => row.problems.map((problem) => `${row.check}: ${problem}`))
}
