import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const ENTRY = fileURLToPath(new URL('../../apps/edge-api/src/workers/index.ts', import.meta.url))
/** Rules of that day; no flag of Node's built-ins is set. Requests tell when their client leaves. */
const COMPATIBILITY_DATE = '2026-08-01'

/**
 * A Worker as one module, and what it would import beside that.
 *
 * @param entry - Its source; default the gateway.
 */
export async function bundleWorker(entry: string = ENTRY): Promise<{
  readonly code: string
  readonly imports: readonly string[]
}> {
  const build = await rolldown({
    input: entry,
    // The sources are bundled: `.js` in them means `.ts`.
    resolve: {
      conditionNames: ['@longtake/source', 'workerd', 'worker', 'browser', 'import', 'default'],
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
    platform: 'browser',
    // What cannot be found stays an import, and fails the test that there are none.
    external: /^(node:|bun:|cloudflare:)/,
    logLevel: 'silent',
  })
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false })
    const [{ code, imports, dynamicImports }] = output
    return { code, imports: [...imports, ...dynamicImports] }
  } finally {
    await build.close()
  }
}

export interface RunningWorker extends AsyncDisposable {
  readonly url: string
  readonly log: readonly string[]
}

/** Runs a module in workerd, the runtime of Cloudflare Workers, on a free port of loopback. */
export async function startWorker(
  binary: string,
  code: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'longtake-workerd-'))
  const bindings = Object.entries(env).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  )
  await writeFile(join(folder, 'worker.js'), code)
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "gateway", worker = (
          modules = [(name = "worker.js", esModule = embed "worker.js")],
          compatibilityDate = "${COMPATIBILITY_DATE}",
          compatibilityFlags = ["enable_request_signal"],
          bindings = [${bindings.join(', ')}],
        )),
        (name = "internet", network = (allow = ["public", "private"])),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "gateway")],
    );`,
  )
  const child = spawn(binary, ['serve', '--control-fd=3', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve())
  })
  const log: string[] = []
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output as Readable }).on('line', (line) => log.push(line))
  }
  const control = createInterface({ input: child.stdio[3] as Readable })
  const port = await new Promise<number>((resolve, reject) => {
    control.on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port: number }
      if (event === 'listen') resolve(port)
    })
    void ended.then(() => reject(new Error(`workerd ended: ${log.join('\n')}`)))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
