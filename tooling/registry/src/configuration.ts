import { join, relative } from 'node:path'

/** Folders and address that a registry works with. */
export interface RegistryPlace {
  /** Of this registry alone; removed with it. */
  readonly folder: string
  /** Packages of others as they were fetched, which later registries find again. */
  readonly cache: string
  /** The registry that packages of others come from. */
  readonly uplink: string
}

/** Longest body of a publication; the largest package here has about 14 MB. */
const MAX_BODY = '100mb'

/** Verdaccio's configuration: `@longtake/*` is ours alone and anybody's to publish, all else is fetched once. */
export function verdaccioConfiguration({ folder, cache, uplink }: RegistryPlace): Record<string, unknown> {
  const storage = join(folder, 'storage')
  return {
    configPath: join(folder, 'verdaccio.yaml'),
    storage,
    uplinks: { npm: { url: uplink, maxage: '1d', timeout: '120s', max_fails: 10, fail_timeout: '1s' } },
    packages: {
      '@longtake/*': { access: '$all', publish: '$all', unpublish: '$all' },
      // Verdaccio takes a package's folder from its own storage on.
      '**': { access: '$all', proxy: 'npm', storage: relative(storage, cache) },
    },
    max_body_size: MAX_BODY,
    web: { enable: false },
    log: { type: 'stdout', format: 'pretty', colors: false, level: 'error' },
  }
}
