import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Storyboards and pictures of answers, a folder for each question. */
export class Pictures {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<Pictures> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return new Pictures(folder)
  }

  async put(questionId: string, name: string, png: Uint8Array): Promise<void> {
    await mkdir(this.#place(questionId), { recursive: true, mode: 0o700 })
    await writeFile(join(this.#place(questionId), name), png, { mode: 0o600 })
  }

  async get(questionId: string, name: string): Promise<Buffer | undefined> {
    return readFile(join(this.#place(questionId), name)).catch(() => undefined)
  }

  remove(questionId: string): Promise<void> {
    return rm(this.#place(questionId), { recursive: true, force: true })
  }

  #place(questionId: string): string {
    return join(this.#folder, questionId)
  }
}
