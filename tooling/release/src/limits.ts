/** 1 kB is 1,000 bytes, here and wherever sizes are told. */
export const KILOBYTE = 1000

/**
 * Most that the code of an entry may take, in kB: the package's own code that importing it loads, without dependencies and
 * without what `import()` loads later; minified, compressed by gzip. Dependencies are told beside it. Apps are not
 * measured: they run on servers, where nobody waits for their bytes. A limit is what was promised, or a little above what
 * is measured; it is raised by hand, so that growth is seen in a review.
 */
export const ENTRY_LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '@longtake/core': { '.': 15 },
  '@longtake/kernels': { '.': 60, './onnx': 10 },
  '@longtake/jobs': { '.': 15 },
  '@longtake/runtime': {
    '.': 60,
    './isolated': 15,
    './link': 25,
    './open-videos': 3,
    './ort': 3,
    './video': 25,
    './web': 60,
  },
}

/** Packages with code for one machine, which no bundle holds, and WebAssembly, which pages fetch. */
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
