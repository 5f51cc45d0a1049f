import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runServer } from 'verdaccio'
import { verdaccioConfiguration } from './configuration.js'

// A process of its own: its owner may wait for package managers synchronously, and whatever ends the
// owner ends the channel to it, upon which this process tidies up and leaves.
const [uplink = '', cache = ''] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'longtake-registry-'))

async function leave(): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  process.exit()
}

process.on('disconnect', () => void leave())
// A terminal interrupts the whole group; the owner decides.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

await mkdir(cache, { recursive: true })
const server = await runServer(verdaccioConfiguration({ folder, cache, uplink }))
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/`, folder })
})
