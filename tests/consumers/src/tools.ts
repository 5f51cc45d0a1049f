import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBinary } from '../../support/binaries.js'
import { type RunOptions, run } from './run.js'

/** Kept between runs: these are tools, and nothing of them is checked. */
const FOLDER = fileURLToPath(
  new URL('../../../../../../node_modules/.cache/longtake-consumers', import.meta.url),
)
/** Programs that npm has as packages, one for each platform. */
const NODE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const PNPM = `@pnpm/exe.${process.platform}-${process.arch}`
const PACKAGES = {
  '@yarnpkg/cli-dist': '4.18.1',
  [PNPM]: '12.21.0',
  'node-24': `npm:${NODE}@24.21.0`,
  'node-20.18': `npm:${NODE}@20.18.0`,
  'node-18': `npm:${NODE}@18.20.8`,
}

/** Programs that projects are installed and run with. */
export interface Tools {
  readonly node: string
  readonly node24: string
  /** The last one without `require` of ES modules. */
  readonly node2018: string
  readonly node18: string
  readonly bun: string
  readonly deno: string
  readonly workerd: string
  readonly pnpm: string
  /** A script for Node. */
  readonly yarn: string
}

/** Installs what is not there yet from the registry that npm is set to. */
export async function installTools(options: RunOptions): Promise<Tools> {
  await mkdir(FOLDER, { recursive: true })
  await writeFile(join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies: PACKAGES }))
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { ...options, cwd: FOLDER })
  const path = (name: string) => join(FOLDER, 'node_modules', name)
  return {
    node: process.execPath,
    node24: path('node-24/bin/node'),
    node2018: path('node-20.18/bin/node'),
    node18: path('node-18/bin/node'),
    bun: await binary('bun'),
    deno: await binary('deno'),
    workerd: await binary('workerd'),
    pnpm: path(`${PNPM}/pnpm`),
    yarn: path('@yarnpkg/cli-dist/bin/yarn.js'),
  }
}

async function binary(name: 'bun' | 'deno' | 'workerd'): Promise<string> {
  const found = await findBinary(name)
  if (found === undefined) throw new Error(`npm has no ${name} for ${process.platform} on ${process.arch}.`)
  return found
}
