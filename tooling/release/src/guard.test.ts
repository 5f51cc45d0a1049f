import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { guardTree } from './guard.js'
import { run } from './run.js'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longtake-guard-'))
  await git('init', '--quiet', '--initial-branch=main')
  await git(
    '-c',
    'user.name=a',
    '-c',
    'user.email=a@example.com',
    'commit',
    '--quiet',
    '--allow-empty',
    '-m',
    'a',
  )
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

test('releases are made of main, as committed', async () => {
  await expect(guardTree(root)).resolves.toBeUndefined()
  await writeFile(join(root, 'new.txt'), '')
  await expect(guardTree(root)).rejects.toThrow('Commit or remove what is not committed:\n?? new.txt')
})

test('another branch, and none, are refused', async () => {
  await git('switch', '--quiet', '-c', 'other')
  await expect(guardTree(root)).rejects.toThrow('Releases are made of main, and other is checked out')
  await git('switch', '--quiet', '--detach')
  await expect(guardTree(root)).rejects.toThrow('and no branch is checked out: run `git switch main`')
})

async function git(...args: readonly string[]): Promise<void> {
  await run('git', args, { cwd: root })
}
