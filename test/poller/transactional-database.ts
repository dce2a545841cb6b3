import { DatabaseSync } from 'node:sqlite';
import type { AtomicCursorStore, AuditEvent } from 'planetscale-audit';
import { onTestFinished } from 'vitest';
import { defaultKey } from '../support/polling.ts';

/** A database of SQLite in memory for one test, with the rows of events and the cursors in its tables. */
export const openDatabase = () => {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  // No unique key: a row that is written twice must show.
  db.exec('CREATE TABLE events (id TEXT) STRICT; CREATE TABLE cursors (key TEXT PRIMARY KEY, value TEXT) STRICT');
  const store: AtomicCursorStore = {
    get: (key) => {
      const value = db.prepare('SELECT value FROM cursors WHERE key = ?').get(key)?.value;
      return value === undefined ? undefined : String(value);
    },
    set: (key, value) => db.prepare('REPLACE INTO cursors VALUES (?, ?)').run(key, value),
    compareAndSet: (key, expected, next) => {
      const { changes } =
        expected === null
          ? db.prepare('INSERT OR IGNORE INTO cursors VALUES (?, ?)').run(key, next)
          : db.prepare('UPDATE cursors SET value = ? WHERE key = ? AND value = ?').run(next, key, expected);
      return changes === 1;
    },
  };
  const insert = (events: readonly AuditEvent[]): void => {
    for (const { id } of events) db.prepare('INSERT INTO events VALUES (?)').run(id);
  };
  return {
    store,
    insert,
    /** The ids of the rows, in the order of their inserts. */
    rows: () =>
      db
        .prepare('SELECT id FROM events ORDER BY rowid')
        .all()
        .map(({ id }) => String(id)),
    /** The saved text of the poller with the default key. */
    saved: () => store.get(defaultKey),
    /** Runs the operation in a transaction, and rolls it back if the operation fails. */
    inTransaction: async (operation: () => Promise<unknown>): Promise<void> => {
      db.exec('BEGIN');
      try {
        await operation();
        db.exec('COMMIT');
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
  };
};

export type TransactionalDatabase = ReturnType<typeof openDatabase>;
