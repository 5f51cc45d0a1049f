/** 1 kB is 1,000 bytes, here and wherever sizes are told. */
export const KILOBYTE = 1000

/**
 * Most that an entry may cost who imports it, in kB: itself and everything that it imports, but what is {@link NATIVE} or
 * loaded by `import()`; minified, each chunk compressed by gzip on its own. Apps are not measured: they run on servers,
 * where nobody waits for their bytes. A limit is a little above what is measured, and is raised by hand, so that growth
 * is seen in a review.
 */
export const ENTRY_LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '@longtake/core': { '.': 15 },
  '@longtake/kernels': { '.': 60, './onnx': 10 },
  '@longtake/jobs': { '.': 15 },
  '@longtake/runtime': {
    '.': 270,
    './isolated': 15,
    './link': 65,
    './open-videos': 3,
    './ort': 12,
    './video': 100,
    './web': 175,
  },
}

/** Packages with code for one machine, which no bundle holds. */
export const NATIVE = ['onnxruntime-node', 'onnxruntime-web', 'koffi', 'node-av', 'libsql']

/** Most that npm downloads for each package alone, in kB. */
export const TARBALL_LIMITS: Readonly<Record<string, number>> = {
  '@longtake/ai': 30,
  '@longtake/cli': 220,
  '@longtake/core': 120,
  '@longtake/discord-bot': 250,
  '@longtake/edge-api': 280,
  '@longtake/jobs': 100,
  '@longtake/kernels': 240,
  '@longtake/mcp': 30,
  '@longtake/runtime': 1200,
  '@longtake/tiny': 4000,
}
