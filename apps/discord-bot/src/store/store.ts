import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Db, openDatabase } from './database.js'
import { type FileLimits, Files } from './files.js'
import { Modals } from './modals.js'
import { Pictures } from './pictures.js'
import { Questions } from './questions.js'
import { SettingsTable } from './settings.js'

/** Everything that outlives the process, in one folder. */
export class Store {
  readonly questions: Questions
  readonly settings: SettingsTable
  readonly modals: Modals
  readonly files: Files
  readonly pictures: Pictures
  readonly #db: Db
  readonly #clock: () => number

  private constructor(db: Db, files: Files, pictures: Pictures, clock: () => number) {
    this.#db = db
    this.#clock = clock
    this.questions = new Questions(db, clock)
    this.settings = new SettingsTable(db)
    this.modals = new Modals(db, clock)
    this.files = files
    this.pictures = pictures
  }

  /**
   * @param folder - Of this process alone: open the queue of jobs in it first, whose lock says so.
   * @param clock - Milliseconds since 1970.
   */
  static async open(folder: string, limits: FileLimits, clock: () => number): Promise<Store> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const db = openDatabase(join(folder, 'bot.db'))
    try {
      const files = await Files.open(join(folder, 'files'), db, limits, clock)
      return new Store(db, files, await Pictures.open(join(folder, 'pictures')), clock)
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** Removes a question with its pictures. */
  async removeQuestion(id: string): Promise<void> {
    this.questions.remove(id)
    await this.pictures.remove(id)
  }

  /**
   * Deletes what is kept of a person.
   *
   * @returns What there was.
   */
  async forget(userId: string): Promise<{ readonly questions: number; readonly files: number }> {
    const records = this.questions.ofUser(userId)
    for (const { question } of records) await this.removeQuestion(question.id)
    this.modals.removeOfUser(userId)
    return { questions: records.length, files: await this.files.removeOfUser(userId) }
  }

  /** Deletes what was not used for longer than `keepMs`. */
  async sweep(keepMs: number): Promise<void> {
    const time = this.#clock() - keepMs
    for (const id of this.questions.unusedSince(time)) await this.removeQuestion(id)
    await this.files.sweep(time)
    this.modals.sweep()
  }

  close(): void {
    this.#db.close()
  }
}
