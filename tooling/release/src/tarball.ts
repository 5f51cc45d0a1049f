import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unpack } from '@publint/pack'
import type { Manifest } from './manifest.js'
import type { PublishedPackage } from './packages.js'
import { run } from './run.js'

/** A package as a registry gets it. */
export interface Tarball {
  readonly name: string
  readonly directory: string
  /** From the tarball, not from the working tree. */
  readonly manifest: Manifest
  /** Path of the `.tgz`. */
  readonly file: string
  readonly bytes: Uint8Array
  /** By the path inside the package, such as `dist/index.js`. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

interface PackReport {
  readonly name: string
  readonly filename: string
}

/** Packs with npm itself into `folder`, without running any script. */
export async function packAll(
  packages: readonly PublishedPackage[],
  folder: string,
): Promise<readonly Tarball[]> {
  return await Promise.all(packages.map((item) => pack(item, folder)))
}

async function pack(item: PublishedPackage, folder: string): Promise<Tarball> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const reports: Record<string, PackReport> = JSON.parse(await run('npm', args, { cwd: item.folder }))
  const [report] = Object.values(reports)
  if (report === undefined) throw new TypeError(`npm pack told nothing about ${item.name}`)
  const file = join(folder, report.filename)
  const bytes = new Uint8Array(await readFile(file))
  const files = await filesOf(bytes)
  return {
    name: item.name,
    directory: item.directory,
    manifest: JSON.parse(new TextDecoder().decode(files.get('package.json'))),
    file,
    bytes,
    files,
  }
}

/** Files of an archive as npm makes them, by their path inside the package. */
export async function filesOf(bytes: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
  const { files, rootDir } = await unpack(bytes)
  return new Map(files.map(({ name, data }) => [name.slice(rootDir.length + 1), data]))
}

/** Lays packages out as an install would: `folder/node_modules/<name>`. */
export async function layOut(tarballs: readonly Tarball[], folder: string): Promise<void> {
  for (const { name, files } of tarballs) {
    for (const [path, data] of files) {
      const target = join(folder, 'node_modules', name, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, data)
    }
  }
}
