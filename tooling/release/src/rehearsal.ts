import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry } from '@longtake/registry'
import { readManifest } from './manifest.js'
import { type Consumer, consumerAt } from './rehearsal-consumer.js'
import { ReleaseError } from './release-error.js'
import { attempt, run } from './run.js'

export interface RehearsalStep {
  readonly step: string
  readonly ok: boolean
  readonly seconds: number
  /** What was seen, in a line. */
  readonly seen: string
}

/** A clone of the repository that releases to a registry on this machine, and someone who installs from that. */
interface Stage {
  readonly clone: string
  /** Leads npm to the registry, and is otherwise bare. */
  readonly env: NodeJS.ProcessEnv
  readonly consumer: Consumer
}

type Act = readonly [name: string, play: (stage: Stage) => Promise<string>]

const CHANGE = 'Rehearsed: a constant that says so.'

const ACTS: readonly Act[] = [
  ['what is waiting becomes a version', firstVersion],
  ['the version is released', publish],
  ['a consumer installs it and asks', ({ consumer }) => consumer.install()],
  ['a change with a changeset becomes the next version', nextVersion],
  ['its changelogs say what changed', changelogs],
  ['the next version is released', publish],
  ['the consumer upgrades and asks', upgrade],
  ['a package that lacks a file is refused', missingFile],
  ['a package with wrong types is refused', wrongTypes],
  ['what is not committed is not released', uncommitted],
]

/**
 * Plays a whole release of what is committed at `root`, without touching it or any registry but one on this machine.
 * Ends at the first step that fails.
 */
export async function rehearse(
  root: string,
  onStep: (step: RehearsalStep) => void,
): Promise<readonly RehearsalStep[]> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-rehearsal-'))
  // Also where a signal ends the process.
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeNow)
  try {
    await using registry = await startRegistry()
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'user.name',
      GIT_CONFIG_VALUE_0: 'Rehearsal',
      GIT_CONFIG_KEY_1: 'user.email',
      GIT_CONFIG_VALUE_1: 'rehearsal@example.com',
      ...registry.environment,
    }
    const clone = join(folder, 'repository')
    const consumer = consumerAt(join(folder, 'consumer'), join(root, 'tests/data/demo/0000.mp4'), env)
    return await play({ clone, env, consumer }, [['a clone is made', cloneOf(root)], ...ACTS], onStep)
  } finally {
    process.off('exit', removeNow)
    await rm(folder, { recursive: true, force: true })
  }
}

async function play(
  stage: Stage,
  acts: readonly Act[],
  onStep: (step: RehearsalStep) => void,
): Promise<readonly RehearsalStep[]> {
  const steps: RehearsalStep[] = []
  for (const [step, act] of acts) {
    const started = performance.now()
    const result = await act(stage).then(
      (seen) => ({ ok: true, seen }),
      (error: unknown) => ({ ok: false, seen: error instanceof Error ? error.message : String(error) }),
    )
    const seconds = Math.round((performance.now() - started) / 100) / 10
    steps.push({ step, seconds, ...result })
    onStep({ step, seconds, ...result })
    if (!result.ok) break
  }
  return steps
}

function cloneOf(root: string): (stage: Stage) => Promise<string> {
  return async ({ clone, env }) => {
    await run('git', ['clone', '--quiet', root, clone], { cwd: root, env })
    await run('git', ['switch', '--quiet', '-C', 'main'], { cwd: clone, env })
    // Dependencies come from npm's own registry and its cache; only what is published goes to ours.
    await run('npm', ['ci', '--prefer-offline'], { cwd: clone })
    return (await run('git', ['log', '-1', '--format=%h %s'], { cwd: clone, env })).trim()
  }
}

async function firstVersion(stage: Stage): Promise<string> {
  await version(stage)
  return versionOf(stage)
}

async function publish({ clone, env }: Stage): Promise<string> {
  return (await run('npm', ['run', '-s', 'release', '--', '--no-provenance'], { cwd: clone, env })).trim()
}

async function nextVersion(stage: Stage): Promise<string> {
  const { clone, env } = stage
  const before = await versionOf(stage)
  const entry = join(clone, 'packages/core/src/index.ts')
  await writeFile(entry, `${await readFile(entry, 'utf8')}export const REHEARSED: boolean = true\n`)
  await writeFile(join(clone, '.changeset/rehearsed.md'), `---\n'@longtake/core': minor\n---\n\n${CHANGE}\n`)
  await run('npx', ['biome', 'check', '--write', 'packages/core'], { cwd: clone, env })
  await run('npm', ['run', '-s', 'api-reports', '--', '--write'], { cwd: clone, env })
  await version(stage)
  return `${before} → ${await versionOf(stage)}`
}

async function version(stage: Stage): Promise<void> {
  const { clone, env } = stage
  await run('npm', ['run', '-s', 'version-packages'], { cwd: clone, env: { ...env, ...npmOfThisMachine() } })
  await commit(stage, 'Version packages')
}

/** The lock file names where dependencies come from; it is written as it is on this machine. */
function npmOfThisMachine(): NodeJS.ProcessEnv {
  return { NPM_CONFIG_USERCONFIG: undefined, NPM_CONFIG_REGISTRY: undefined, HOME: process.env.HOME }
}

async function commit({ clone, env }: Stage, message: string): Promise<void> {
  await run('git', ['add', '--all'], { cwd: clone, env })
  await run('git', ['commit', '--quiet', '--allow-empty', '--message', message], { cwd: clone, env })
}

async function versionOf({ clone }: Stage): Promise<string> {
  return (await readManifest(join(clone, 'packages/core'))).version
}

async function changelogs({ clone }: Stage): Promise<string> {
  const [own, dependent] = await Promise.all(
    ['core', 'runtime'].map((name) => readFile(join(clone, 'packages', name, 'CHANGELOG.md'), 'utf8')),
  )
  if (own?.includes(`- ${CHANGE}`) !== true) throw new ReleaseError(`core's changelog lacks it:\n${own}`)
  if (dependent?.includes('Asks for `@longtake/core`') !== true) {
    throw new ReleaseError(`runtime's changelog does not name core:\n${dependent}`)
  }
  return own.split('\n').slice(2, 7).join(' ').replaceAll(/\s+/g, ' ').trim()
}

async function upgrade(stage: Stage): Promise<string> {
  const seen = await stage.consumer.install()
  const expected = await versionOf(stage)
  if (!seen.includes(`@longtake/core ${expected}`)) {
    throw new ReleaseError(`The consumer has ${seen}, and not @longtake/core ${expected}.`)
  }
  return seen
}

/** What `files` leaves out is not published. */
async function missingFile(stage: Stage): Promise<string> {
  const change = (manifest: string): string => manifest.replace('"dist",', '')
  return refused(stage, 'packages/jobs/package.json', change, /.*index\.js is not in the tarball.*/)
}

async function wrongTypes(stage: Stage): Promise<string> {
  const change = (declarations: string): string => `export * from './gone.js';\n${declarations}`
  return refused(stage, 'packages/jobs/dist/index.d.ts', change, /.*Types are wrong.*/)
}

/** That the checks refuse a package of which a file was changed, and say `sentence`. */
async function refused(
  { clone, env }: Stage,
  path: string,
  change: (text: string) => string,
  sentence: RegExp,
): Promise<string> {
  const file = join(clone, path)
  const sound = await readFile(file, 'utf8')
  await writeFile(file, change(sound))
  // Without the build, which would mend what was broken.
  const checks = ['tooling/release/dist/main.js', 'package-checks']
  const { code, stdout } = await attempt('node', checks, { cwd: clone, env })
  await writeFile(file, sound)
  const found = sentence.exec(stdout)?.[0].trim()
  if (code === 0 || found === undefined) throw new ReleaseError(`It was not refused:\n${stdout}`)
  return found
}

async function uncommitted({ clone, env }: Stage): Promise<string> {
  await mkdir(join(clone, 'scratch'))
  await writeFile(join(clone, 'scratch/note.txt'), '')
  const { code, stderr } = await attempt('npm', ['run', '-s', 'release'], { cwd: clone, env })
  const found = /Commit or remove what is not committed:\n.*/.exec(stderr)?.[0]
  if (code === 0 || found === undefined) throw new ReleaseError(`It was not refused:\n${stderr}`)
  return found.replace('\n', ' ')
}
