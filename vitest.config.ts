import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests run on the sources, so no build has to come first.
  resolve: { conditions: ['@longtake/source'] },
  ssr: { resolve: { conditions: ['@longtake/source', 'node', 'import', 'default'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'tooling/*/src/**/*.test.ts',
      'tests/**/*.test.ts',
      'docs/src/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Many tests wait more than they compute.
    maxWorkers: '100%',
    // Tests that import onnxruntime-node themselves must not report to its maker either.
    env: { ORT_DISABLE_TELEMETRY: '1' },
  },
})
