import { stat } from 'node:fs/promises'
import { InvalidOptionError } from '@longtake/core'
import type { VideoInput, VideoInputs, VideoSource } from '@longtake/runtime'
import { type OpenLinkOptions, openLink } from '@longtake/runtime/link'

/** What a command looks at and is asked. */
export interface Asked {
  /** One video, or one or more still images. */
  readonly files: readonly string[]
  readonly question: string
}

/**
 * Takes the arguments of a command apart: the last one is the question.
 *
 * @throws {InvalidOptionError} If the question is empty, was probably not put in quotes, or is a file.
 */
export async function readAsked(inputs: readonly string[]): Promise<Asked> {
  const files = inputs.slice(0, -1)
  const question = inputs.at(-1) ?? ''
  if (question.trim() === '') throw new InvalidOptionError('question', 'text that is not empty', question)
  for (const file of files.slice(1)) {
    if (await isThere(file)) continue
    const need = 'quotes around it, and before it only files that are there'
    throw new InvalidOptionError('question', need, file)
  }
  if (await isThere(question))
    throw new InvalidOptionError('question', 'a question after the files, in quotes', question)
  return { files, question }
}

function isThere(input: string): Promise<boolean> {
  if (isLink(input)) return Promise.resolve(true)
  return stat(input).then(
    () => true,
    () => false,
  )
}

/** Whether an argument is opened as a link. Two letters at least, so that C:\\talk.mp4 stays a path. */
export function isLink(input: string): boolean {
  return /^(?!file:)[a-z][a-z0-9+.-]+:\/\/|^data:/i.test(input)
}

/** An argument as it may be shown and kept: of links neither keys in a query nor data. */
export function shownInput(input: string): string {
  if (!isLink(input)) return input
  return /^data:/i.test(input) ? 'data:' : input.replace(/[?#].*$/s, '')
}

/** What is looked at, with the links among it open. */
export interface OpenInput extends AsyncDisposable {
  /** For the library, which closes it; several are still images. */
  readonly input: VideoInputs
  /** The same for a first look: closing it leaves the links open. */
  readonly preview: VideoInputs
}

/**
 * Opens links; files are left for the library to open.
 *
 * @param options - For links.
 * @throws {LinkError} If one cannot be opened; none is then left open.
 */
export async function openInput(files: readonly string[], options: OpenLinkOptions): Promise<OpenInput> {
  const links: VideoSource[] = []
  const close = async (): Promise<void> => {
    await Promise.all(links.map((link) => link.close()))
  }
  try {
    const inputs: VideoInput[] = []
    for (const file of files) {
      if (!isLink(file)) inputs.push(file)
      else {
        const link = await openLink(file, options)
        links.push(link)
        inputs.push(link)
      }
    }
    return { input: asInput(inputs), preview: asInput(inputs.map(borrowed)), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

function borrowed(input: VideoInput): VideoInput {
  if (typeof input !== 'object' || !('read' in input)) return input
  return {
    name: input.name,
    ...(input.readsAhead !== undefined && { readsAhead: input.readsAhead }),
    size: () => input.size(),
    read: (start, end) => input.read(start, end),
    close: async () => {},
  }
}

function asInput(inputs: readonly VideoInput[]): VideoInputs {
  const [only = ''] = inputs
  return inputs.length === 1 ? only : inputs
}
