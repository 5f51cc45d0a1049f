import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin, transformWithOxc } from 'vite'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const CHECKPOINT = path('../../packages/tiny/checkpoint')
const SAMPLE = path('../../tests/data/demo/0000.mp4')
const SERVICE_WORKER = path('src/service-worker.ts')

/** Puts the checkpoint and the sample beside the page. */
function data(): Plugin {
  return {
    name: 'data',
    generateBundle() {
      const files = readdirSync(CHECKPOINT, { recursive: true, withFileTypes: true })
      for (const file of files.filter((entry) => entry.isFile())) {
        const from = join(file.parentPath, file.name)
        const fileName = `checkpoint${from.slice(CHECKPOINT.length).replaceAll('\\', '/')}`
        this.emitFile({ type: 'asset', fileName, source: readFileSync(from) })
      }
      this.emitFile({ type: 'asset', fileName: 'sample.mp4', source: readFileSync(SAMPLE) })
    },
  }
}

/** Writes the service worker, which has to know every other file. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    enforce: 'post',
    async generateBundle(_, bundle) {
      const hash = createHash('sha256')
      for (const file of Object.values(bundle)) hash.update(file.type === 'chunk' ? file.code : file.source)
      const files = ['./', ...Object.keys(bundle).filter((name) => name !== 'index.html')]
      const { code } = await transformWithOxc(readFileSync(SERVICE_WORKER, 'utf8'), SERVICE_WORKER)
      const version = hash.digest('hex').slice(0, 16)
      const constants = `const FILES = ${JSON.stringify(files)}\nconst VERSION = '${version}'\n`
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source: constants + code })
    },
  }
}

export default defineConfig({
  // Any folder of any site.
  base: './',
  // The page computes without the graphics card, whose build would double its size.
  resolve: { alias: { 'onnxruntime-web/webgpu': 'onnxruntime-web/wasm' } },
  plugins: [data(), serviceWorker()],
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
})
