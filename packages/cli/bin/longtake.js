#!/usr/bin/env node
// Outside dist/, so that the link npm makes on install has a target before the first build.
try {
  const { run } = await import('../dist/index.js')
  await run()
} catch (error) {
  // What cannot start here says so; anything else is a fault of the program.
  if (!(error instanceof Error && Symbol.for('longtake.error') in error)) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = 1
}
