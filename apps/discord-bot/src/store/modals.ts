import type { Db } from './database.js'
import type { VideoRef } from './question.js'

/** As long as a person may think about a question. */
const MODAL_MS = 60 * 60 * 1000
/** Open forms of one person. */
const MOST_PER_USER = 20

/** Videos that a form was opened for and no question was asked about yet. */
export class Modals {
  readonly #db: Db
  readonly #clock: () => number

  constructor(db: Db, clock: () => number) {
    this.#db = db
    this.#clock = clock
  }

  add(id: string, userId: string, video: VideoRef): void {
    this.#db.run(
      'INSERT INTO modals (id, user_id, created_at, video) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      id,
      userId,
      this.#clock(),
      JSON.stringify(video),
    )
    this.#db.run(
      `DELETE FROM modals WHERE user_id = ? AND id NOT IN
         (SELECT id FROM modals WHERE user_id = ? ORDER BY created_at DESC, id DESC LIMIT ${MOST_PER_USER})`,
      userId,
      userId,
    )
  }

  get(id: string, userId: string): VideoRef | undefined {
    const row = this.#db.get('SELECT video FROM modals WHERE id = ? AND user_id = ?', id, userId)
    return row && (JSON.parse(String(row.video)) as VideoRef)
  }

  removeOfUser(userId: string): void {
    this.#db.run('DELETE FROM modals WHERE user_id = ?', userId)
  }

  sweep(): void {
    this.#db.run('DELETE FROM modals WHERE created_at < ?', this.#clock() - MODAL_MS)
  }
}
