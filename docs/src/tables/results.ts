import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCS } from '../paths.js'

/** Where and when a benchmark ran, as every result says. */
interface Run {
  readonly command: string
  readonly run: {
    readonly commit: string
    readonly date: string
    readonly runtime: string
    readonly cpu: string
    readonly cores: number
  }
}

export interface QualityArm {
  readonly frames: number
  readonly layout: string
  readonly rope: string
  readonly kv: string
  readonly pooling: string
  readonly tokens: number
  readonly auto: boolean
  readonly accuracy: number
  readonly margin95: number
  readonly questions: number
  readonly kinds: Readonly<Record<string, number>>
  readonly groups: { readonly smallPart: number; readonly whole: number }
  readonly families: { readonly slow: number }
}

export interface Results {
  readonly needle: Run & {
    readonly lengths: readonly {
      readonly minutes: number
      readonly intervalSeconds: number
      readonly frames: number
      readonly visualTokens: number
      readonly contextTokens: number
      readonly peakBytes: number
      readonly seconds: { readonly median: number }
      readonly followUpSeconds: { readonly median: number }
    }[]
  }
  readonly pooling: Run & {
    readonly bound: { readonly frames: number }
    readonly cases: readonly {
      readonly frames: number
      readonly tokensNone: number
      readonly tokensGuided: number
      readonly secondsNone: number
      readonly secondsGuided: number
      readonly ratio: number
      readonly operationsRatio: number
      readonly operationsRatio7B: number
    }[]
  }
  readonly peers: Run & {
    readonly cases: readonly {
      readonly peer: string
      readonly work: 'prefill' | 'decode'
      readonly context: number
      readonly ratio: number
      readonly ourMs: number
      readonly peerMs: number
    }[]
  }
  /** By number of shots. */
  readonly quality: Readonly<Record<8 | 32 | 64, Quality>>
  readonly otherSeed: Readonly<Record<8 | 32, Quality>>
}

export interface Quality extends Run {
  readonly arms: readonly QualityArm[]
}

/** What `bench` printed with `--json`, each with the command that printed it. */
export async function readResults(): Promise<Results> {
  const read = async (name: string) => JSON.parse(await readFile(join(DOCS, `data/${name}.json`), 'utf8'))
  return {
    needle: await read('needle'),
    pooling: await read('pooling'),
    peers: await read('peers'),
    quality: {
      8: await read('quality-8'),
      32: await read('quality-32'),
      64: await read('quality-64'),
    },
    otherSeed: { 8: await read('quality-other-8'), 32: await read('quality-other-32') },
  }
}
