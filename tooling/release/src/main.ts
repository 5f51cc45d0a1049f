import { reportApi } from './commands/api-reports.js'
import { checkAll } from './commands/package-checks.js'
import { rehearseRelease } from './commands/rehearse.js'
import { releaseAll } from './commands/release.js'
import { writeJsrConfigs } from './jsr.js'
import { ReleaseError } from './release-error.js'

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<boolean>>> = {
  'api-reports': reportApi,
  'jsr-configs': async () => {
    await writeJsrConfigs(process.cwd())
    return true
  },
  'package-checks': checkAll,
  rehearse: rehearseRelease,
  release: releaseAll,
}

const [name = '', ...args] = process.argv.slice(2)
try {
  const command = COMMANDS[name]
  if (command === undefined) throw new ReleaseError(`Commands are ${Object.keys(COMMANDS).join(', ')}.`)
  process.exitCode = (await command(args)) ? 0 : 1
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
