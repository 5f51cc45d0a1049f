import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readManifest } from './manifest.js'
import { ReleaseError } from './release-error.js'
import { run } from './run.js'

/** What the embedded model says of the video: the star comes first. */
const QUESTION = 'When does the yellow star come?'
const ANSWER = 'start'

const PACKAGES = ['@longtake/core', '@longtake/runtime', '@longtake/tiny']

/** Someone with a project outside the repository. */
export interface Consumer {
  /**
   * Installs what is newest, or upgrades to it, and asks about a video.
   *
   * @returns The versions that are installed, the size, and the answer.
   * @throws {ReleaseError} If the answer is another one.
   */
  install(): Promise<string>
}

export function consumerAt(folder: string, video: string, env: NodeJS.ProcessEnv): Consumer {
  return {
    async install() {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
      await writeFile(join(folder, 'ask.js'), programAbout(video))
      const newest = ['@longtake/runtime@latest', '@longtake/tiny@latest']
      await run('npm', ['install', '--ignore-scripts', ...newest], { cwd: folder, env })
      const answer = (await run('node', ['ask.js'], { cwd: folder, env })).trim()
      if (answer !== ANSWER) throw new ReleaseError(`The answer is “${answer}”, and not “${ANSWER}”.`)
      return `${await versionsIn(folder)}; “${answer}”`
    },
  }
}

/** The README's ten lines, without `await using`, which Node 20 does not read. */
function programAbout(video: string): string {
  return `import { load } from '@longtake/runtime'

const longtake = await load('@longtake/tiny')
const video = await longtake.watch(${JSON.stringify(video)})
for await (const text of video.ask(${JSON.stringify(QUESTION)})) process.stdout.write(text)
await video.close()
await longtake.close()
`
}

async function versionsIn(folder: string): Promise<string> {
  const manifests = await Promise.all(
    PACKAGES.map((name) => readManifest(join(folder, 'node_modules', name))),
  )
  return manifests.map(({ name, version }) => `${name} ${version}`).join(', ')
}
