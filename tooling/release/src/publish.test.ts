import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Registry, startRegistry } from '@longtake/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PublishedPackage, publishedPackages } from './packages.js'
import { label, publishAll, unpublished } from './publish.js'
import { packAll, type Tarball } from './tarball.js'

/** npm is started some twelve times. */
const SLOW = 180_000

let root: string
let registry: Registry

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-publish-'))
  registry = await startRegistry()
})

afterAll(async () => {
  await registry?.close()
  await rm(root, { recursive: true, force: true })
})

test(
  'dependencies go first, and a release that was cut off goes on where it stopped',
  async () => {
    await writePackages({ '@longtake/a': '@longtake/c', '@longtake/c': undefined })
    const tarballs = await pack()
    expect(tarballs.map(label)).toEqual(['@longtake/c@1.0.0', '@longtake/a@1.0.0'])
    const [, second] = await unpublished(tarballs, env())

    const away = `${second?.file}.away`
    await rename(second?.file ?? '', away)
    await expect(publish(tarballs)).rejects.toThrow(
      /^@longtake\/a@1\.0\.0 could not be published, after 1 of 2\. Mend this and run the same command again/,
    )
    await rename(away, second?.file ?? '')

    const rest = await unpublished(tarballs, env())
    expect(rest.map(label)).toEqual(['@longtake/a@1.0.0'])
    expect(await publish(rest)).toEqual(['@longtake/a@1.0.0 is published'])
    await expect(unpublished(tarballs, env())).rejects.toThrow(
      'Every version is on the registry: there is nothing to release.',
    )

    await writeFile(join(root, 'packages/c/index.js'), 'export const changed = true\n')
    await expect(unpublished(await pack(), env())).rejects.toThrow(
      'On the registry with other content: @longtake/c@1.0.0. A version is never replaced',
    )
  },
  SLOW,
)

test('a dry run publishes nothing', async () => {
  await writePackages({ '@longtake/dry': undefined })
  const only = (await pack()).find(({ name }) => name === '@longtake/dry')
  if (only === undefined) throw new Error('nothing to publish')
  expect(await publish([only], true)).toEqual(['@longtake/dry@1.0.0 would be published'])
  expect((await unpublished([only], env())).map(label)).toEqual(['@longtake/dry@1.0.0'])
})

test('packages that depend on each other in a circle are refused', async () => {
  await writePackages({ '@longtake/d': '@longtake/e', '@longtake/e': '@longtake/d' })
  await expect(publishedPackages(root)).rejects.toThrow(
    'depend on each other in a circle: @longtake/d, @longtake/e',
  )
})

function env(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: root, ...registry.environment }
}

/** Packages and what each of them depends on. */
async function writePackages(dependencies: Readonly<Record<string, string | undefined>>): Promise<void> {
  await writeFile(join(root, 'package.json'), JSON.stringify({ workspaces: ['packages/*'] }))
  for (const [name, dependency] of Object.entries(dependencies)) {
    const folder = join(root, 'packages', name.replace('@longtake/', ''))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'index.js'), 'export {}\n')
    const manifest = {
      name,
      version: '1.0.0',
      dependencies: dependency === undefined ? {} : { [dependency]: '^1.0.0' },
    }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  }
}

async function pack(): Promise<readonly Tarball[]> {
  const packages: readonly PublishedPackage[] = await publishedPackages(root)
  return packAll(packages, root)
}

async function publish(tarballs: readonly Tarball[], dryRun = false): Promise<readonly string[]> {
  const steps: string[] = []
  const onStep = (text: string) => void steps.push(text)
  await publishAll(tarballs, { provenance: false, dryRun, onStep, env: env() })
  return steps
}
