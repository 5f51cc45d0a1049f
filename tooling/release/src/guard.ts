import { ReleaseError } from './release-error.js'
import { run } from './run.js'

/** Releases are made of this branch. */
const RELEASE_BRANCH = 'main'

/**
 * That what is released is what others can see: the release branch, as committed.
 *
 * @throws {ReleaseError} If another branch is checked out, or something is not committed.
 */
export async function guardTree(root: string): Promise<void> {
  const branch = (await run('git', ['branch', '--show-current'], { cwd: root })).trim()
  if (branch !== RELEASE_BRANCH) {
    throw new ReleaseError(
      `Releases are made of ${RELEASE_BRANCH}, and ${branch === '' ? 'no branch' : branch} is checked out: run \`git switch ${RELEASE_BRANCH}\`.`,
    )
  }
  const changes = (await run('git', ['status', '--porcelain'], { cwd: root })).trimEnd()
  if (changes !== '') throw new ReleaseError(`Commit or remove what is not committed:\n${changes}`)
}
