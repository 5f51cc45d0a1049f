import { need } from './dom.js'
import { formatBytes } from './format.js'

/** Says what the tab takes, as far as the browser tells. */
export async function showMemory(wasmBytes: number): Promise<void> {
  const line = need('memory', HTMLElement)
  const wasm = wasmBytes > 0 ? `WebAssembly has taken ${formatBytes(wasmBytes)} of memory` : ''
  line.textContent = wasm && `${wasm}.`
  const whole = await wholeBytes()
  if (whole !== undefined)
    line.textContent = `${wasm || 'Memory measured'}; the whole tab, with its worker, uses ${formatBytes(whole)}.`
}

/** Only isolated pages are told, and not by every browser. */
async function wholeBytes(): Promise<number | undefined> {
  const measure: unknown = Reflect.get(performance, 'measureUserAgentSpecificMemory')
  if (!crossOriginIsolated || typeof measure !== 'function') return undefined
  const measured = (await measure.call(performance)) as { readonly bytes: number }
  return measured.bytes
}
