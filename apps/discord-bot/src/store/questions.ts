import type { Db, Row } from './database.js'
import type { Outcome, Place, Question, QuestionRecord } from './question.js'

const HOUR_MS = 60 * 60 * 1000

/** Questions that were taken on, and the messages that answer them. */
export class Questions {
  readonly #db: Db
  readonly #clock: () => number

  /** @param clock - Milliseconds since 1970. */
  constructor(db: Db, clock: () => number) {
    this.#db = db
    this.#clock = clock
  }

  /** Writes a question down. @returns Whether it is new: Discord may tell twice. */
  add(question: Question): boolean {
    const now = this.#clock()
    const added = this.#db.durably(() =>
      this.#db.run(
        `INSERT INTO questions (id, user_id, guild_id, accepted_at, used_at, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
        question.id,
        question.userId,
        question.guildId,
        now,
        now,
        JSON.stringify(question),
      ),
    )
    return added > 0
  }

  get(id: string): QuestionRecord | undefined {
    const row = this.#db.get('SELECT * FROM questions WHERE id = ?', id)
    return row && recordOf(row)
  }

  /** The question that a message answers. */
  ofMessage(messageId: string): QuestionRecord | undefined {
    const row = this.#db.get(
      'SELECT q.* FROM messages m JOIN questions q ON q.id = m.question_id WHERE m.id = ?',
      messageId,
    )
    return row && recordOf(row)
  }

  /** Questions that are not answered to the end, oldest first. */
  open(): readonly QuestionRecord[] {
    return this.#db.all('SELECT * FROM questions WHERE has_ended = 0 ORDER BY accepted_at').map(recordOf)
  }

  /** Changes what is known of where an answer is written; its messages lead to the question from then on. */
  setPlace(id: string, place: Place): void {
    this.#change(id, (question) => ({ ...question, place }))
    if (place.messageId !== null) this.addMessage(place.messageId, id)
  }

  /** Takes an edited text; nothing that was answered before counts for it. */
  setText(id: string, text: string): void {
    this.#db.transaction(() => {
      this.#change(id, (question) => ({ ...question, text, revision: question.revision + 1 }))
      this.#db.run('UPDATE questions SET outcome = NULL WHERE id = ?', id)
    })
  }

  addMessage(messageId: string, id: string): void {
    this.#db.run(
      'INSERT INTO messages (id, question_id) SELECT ?, id FROM questions WHERE id = ? ON CONFLICT (id) DO NOTHING',
      messageId,
      id,
    )
  }

  /** @param revision - Of the question that this is the outcome of; that of another one is left out. */
  setOutcome(id: string, revision: number, outcome: Outcome): void {
    // The end of its job is on disk after this, and says nothing of the answer.
    this.#db.durably(() =>
      this.#db.transaction(() => {
        if (this.get(id)?.question.revision !== revision) return
        this.#db.run('UPDATE questions SET outcome = ? WHERE id = ?', JSON.stringify(outcome), id)
      }),
    )
  }

  addPart(id: string, messageId: string): void {
    this.#db.transaction(() => {
      const parts = [...(this.get(id)?.parts ?? []), messageId]
      this.#db.run('UPDATE questions SET parts = ? WHERE id = ?', JSON.stringify(parts), id)
      this.addMessage(messageId, id)
    })
  }

  /** Everything is written; the token of an interaction is of no more use. */
  end(id: string): void {
    this.#change(id, (question) =>
      question.place.type === 'interaction'
        ? { ...question, place: { ...question.place, token: '' } }
        : question,
    )
    this.#db.run('UPDATE questions SET has_ended = 1, used_at = ? WHERE id = ?', this.#clock(), id)
  }

  /** A follow-up keeps a conversation from being forgotten. */
  touch(id: string): void {
    this.#db.run('UPDATE questions SET used_at = ? WHERE id = ?', this.#clock(), id)
  }

  remove(id: string): void {
    this.#db.run('DELETE FROM questions WHERE id = ?', id)
  }

  /** @returns The ids of a person's questions. */
  ofUser(userId: string): readonly QuestionRecord[] {
    return this.#db.all('SELECT * FROM questions WHERE user_id = ?', userId).map(recordOf)
  }

  /** @returns The ids of those that ended and were not used since. */
  unusedSince(time: number): readonly string[] {
    return this.#db
      .all('SELECT id FROM questions WHERE used_at < ? AND has_ended = 1', time)
      .map(({ id }) => String(id))
  }

  countOpen(userId: string): number {
    return this.#count('user_id = ? AND has_ended = 0', userId)
  }

  countHour(userId: string): number {
    return this.#count('user_id = ? AND accepted_at > ?', userId, this.#clock() - HOUR_MS)
  }

  countDay(guildId: string): number {
    return this.#count('guild_id = ? AND accepted_at > ?', guildId, this.#clock() - 24 * HOUR_MS)
  }

  countAllOpen(): number {
    return this.#count('has_ended = 0')
  }

  #count(where: string, ...values: readonly (string | number)[]): number {
    return Number(this.#db.get(`SELECT count(*) AS n FROM questions WHERE ${where}`, ...values)?.n ?? 0)
  }

  #change(id: string, change: (question: Question) => Question): Question | undefined {
    return this.#db.transaction(() => {
      const record = this.get(id)
      if (record === undefined) return undefined
      const changed = change(record.question)
      this.#db.run('UPDATE questions SET body = ? WHERE id = ?', JSON.stringify(changed), id)
      return changed
    })
  }
}

/** The bot alone writes these rows. */
function recordOf(row: Row): QuestionRecord {
  return {
    question: JSON.parse(String(row.body)) as Question,
    outcome: row.outcome === null ? null : (JSON.parse(String(row.outcome)) as Outcome),
    hasEnded: row.has_ended === 1,
    parts: JSON.parse(String(row.parts)) as string[],
    acceptedAt: Number(row.accepted_at),
  }
}
