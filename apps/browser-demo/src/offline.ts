import { need } from './dom.js'

/** Keeps the page's files for use without a network, and says when that is done. */
export async function registerOffline(): Promise<void> {
  const line = need('offline', HTMLElement)
  if (!('serviceWorker' in navigator)) {
    line.textContent = 'This browser keeps no pages for use without a network.'
    return
  }
  try {
    await navigator.serviceWorker.register(new URL('service-worker.js', document.baseURI))
    await controlled()
    line.textContent = 'Ready for use without a network.'
  } catch {
    line.textContent = 'The page could not be kept for use without a network.'
  }
}

/** Once the worker serves this page, everything is kept. */
async function controlled(): Promise<void> {
  const { serviceWorker } = navigator
  if (serviceWorker.controller !== null) return
  await new Promise<void>((resolve) => {
    serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true })
  })
}
