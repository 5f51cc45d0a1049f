import { chmodSync } from 'node:fs'
import Database from 'libsql'

/** Statements that bring an older file up to date; `user_version` counts those that ran. */
const MIGRATIONS = [
  `CREATE TABLE questions (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     guild_id TEXT,
     accepted_at INTEGER NOT NULL,
     used_at INTEGER NOT NULL,
     has_ended INTEGER NOT NULL DEFAULT 0,
     body TEXT NOT NULL,
     outcome TEXT,
     parts TEXT NOT NULL DEFAULT '[]'
   ) WITHOUT ROWID;
   CREATE INDEX questions_by_user ON questions (user_id, accepted_at);
   CREATE INDEX questions_by_guild ON questions (guild_id, accepted_at);
   CREATE INDEX questions_by_use ON questions (used_at);
   CREATE INDEX questions_open ON questions (accepted_at) WHERE has_ended = 0;
   CREATE TABLE messages (
     id TEXT PRIMARY KEY,
     question_id TEXT NOT NULL REFERENCES questions (id) ON DELETE CASCADE
   ) WITHOUT ROWID;
   CREATE INDEX messages_by_question ON messages (question_id);
   CREATE TABLE settings (guild_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE modals (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     video TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE files (
     name TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     size_bytes INTEGER NOT NULL,
     used_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX files_by_use ON files (used_at);`,
]

export type Row = Readonly<Record<string, unknown>>

/** A database file with the bot's tables. What was written outlives the process when a call returns. */
export interface Db {
  run(sql: string, ...values: readonly Value[]): number
  get(sql: string, ...values: readonly Value[]): Row | undefined
  all(sql: string, ...values: readonly Value[]): readonly Row[]
  /** All of what `work` writes, or nothing; inside of another one it is a part of that. */
  transaction<T>(work: () => T): T
  /** What `work` writes outlives a loss of power too when this returns, which costs a flush of the disk. */
  durably<T>(work: () => T): T
  close(): void
}

type Value = string | number | null

/** @param path - A file, which nobody else can read. */
export function openDatabase(path: string): Db {
  const database = new Database(path)
  chmodSync(path, 0o600)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000',
  )
  migrate(database)
  const statements = new Map<string, Database.Statement>()
  const prepared = (sql: string): Database.Statement => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    run: (sql, ...values) => prepared(sql).run(...values).changes,
    get: (sql, ...values) => prepared(sql).get(...values) as Row | undefined,
    all: (sql, ...values) => prepared(sql).all(...values) as Row[],
    transaction: (work) =>
      database.inTransaction ? work() : (database.transaction(work).immediate() as ReturnType<typeof work>),
    durably(work) {
      database.exec('PRAGMA synchronous = FULL')
      try {
        return work()
      } finally {
        database.exec('PRAGMA synchronous = NORMAL')
      }
    },
    close() {
      statements.clear()
      database.close()
    },
  }
}

function migrate(database: Database.Database): void {
  const { user_version: done } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < done) continue
    database.transaction(() => database.exec(`${sql}; PRAGMA user_version = ${index + 1}`)).immediate()
  }
}
