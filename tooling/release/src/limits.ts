/** 1 kB is 1,000 bytes, here and wherever sizes are told. */
export const KILOBYTE = 1000

/** Most that an entry may cost who imports it, in kB: minified, each chunk compressed by gzip on its own. */
export interface EntryLimit {
  /** What is loaded with the entry: itself and everything it imports, but what is {@link NATIVE}. */
  readonly eager: number
}

/**
 * Entries that are measured, by package. Apps are not: they run on servers, where nobody waits for their bytes.
 * A limit is a little above what is measured, and is raised by hand, so that growth is seen in a review.
 */
export const ENTRY_LIMITS: Readonly<Record<string, Readonly<Record<string, EntryLimit>>>> = {
  '@longtake/core': { '.': { eager: 15 } },
  '@longtake/kernels': { '.': { eager: 60 }, './onnx': { eager: 10 } },
  '@longtake/jobs': { '.': { eager: 15 } },
  '@longtake/runtime': {
    '.': { eager: 270 },
    './isolated': { eager: 15 },
    './link': { eager: 65 },
    './open-videos': { eager: 3 },
    './ort': { eager: 12 },
    './video': { eager: 100 },
    './web': { eager: 175 },
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
