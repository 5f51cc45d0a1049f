import type { Video } from './api.js'
import { need } from './dom.js'
import { count, formatBytes, formatTime } from './format.js'

/** Where the video comes from: a link, or a file that was chosen or dropped. */
export class Chooser {
  readonly #link = need('link', HTMLInputElement)
  readonly #input = need('file', HTMLInputElement)
  readonly #name = need('file-name', HTMLElement)
  readonly #clear = need('file-clear', HTMLButtonElement)
  #file: File | undefined

  constructor(onChange: () => void) {
    this.#input.addEventListener('change', () => this.#take(this.#input.files?.[0]))
    this.#clear.addEventListener('click', () => {
      this.#take(undefined)
      this.#input.focus()
    })
    this.#link.addEventListener('input', () => {
      if (this.#link.value !== '') this.#take(undefined)
    })
    this.#listenForDrops(onChange)
  }

  /** What to watch, or what is wrong with what was given. */
  read(): { readonly source: string | File } | { readonly mistake: string } {
    if (this.#file !== undefined) return { source: this.#file }
    const text = this.#link.value.trim()
    if (text === '') return { mistake: 'Paste a link to a video, or choose a file.' }
    const source = linkOf(text)
    if (source !== undefined) return { source }
    return { mistake: 'This is no link: it should begin with https://' }
  }

  /** Shows the video that is being watched, or was, instead of the choice; the choice again where there is none. */
  show(video: Video | 'pending' | undefined): void {
    const chooser = need('chooser', HTMLElement)
    if (video !== undefined && chooser.contains(document.activeElement)) need('question', HTMLElement).focus()
    chooser.hidden = video !== undefined
    need('video', HTMLElement).hidden = video === undefined
    if (video === undefined) return
    need('video-name', HTMLElement).textContent = this.#file?.name ?? lastPart(this.#link.value)
    need('video-facts', HTMLElement).textContent = video === 'pending' ? 'Being watched' : factsOf(video)
  }

  focus(): void {
    this.#link.focus()
    this.#link.select()
  }

  #take(file: File | undefined): void {
    this.#file = file
    if (file === undefined) this.#input.value = ''
    else this.#link.value = ''
    this.#name.textContent =
      file === undefined ? 'or drop one anywhere on this page' : `${file.name}, ${formatBytes(file.size)}`
    this.#clear.hidden = file === undefined
  }

  #listenForDrops(onChange: () => void): void {
    const { body } = document
    const over = (event: DragEvent): void => {
      event.preventDefault()
      body.classList.toggle('dropping', event.type === 'dragover')
    }
    body.addEventListener('dragover', over)
    body.addEventListener('dragleave', over)
    body.addEventListener('drop', (event) => {
      over(event)
      const file = event.dataTransfer?.files[0]
      const link = event.dataTransfer?.getData('text/uri-list').split('\n')[0]?.trim()
      if (file === undefined && !link) return
      this.#take(file)
      if (file === undefined && link) this.#link.value = link
      onChange()
    })
  }
}

function factsOf({ video, plan }: Video): string {
  const parts = video ? [formatTime(video.duration), `${video.width} × ${video.height}`] : []
  if (plan !== undefined) parts.push(count(plan.frames, 'frame'))
  return parts.join(' · ')
}

/** The name of what a link leads to, without what could be a key in it. */
function lastPart(link: string): string {
  const url = linkOf(link)
  if (url === undefined) return 'Your video'
  const { pathname, hostname } = new URL(url)
  const last = pathname.split('/').filter(Boolean).at(-1)
  if (last === undefined) return hostname
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** What was typed as an address; a scheme may be left out. */
function linkOf(typed: string): string | undefined {
  const text = typed.trim()
  const url = /^[a-z][a-z\d+.-]*:/i.test(text) ? text : `https://${text}`
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : undefined
}
