// Races other processes for each round of a key in SQLite, and prints the rounds that it won.
import { DatabaseSync } from 'node:sqlite';
import BetterSqlite3 from 'better-sqlite3';
import { sqliteCursorStore } from '../../src/stores/sqlite.ts';

const [, , client, path = '', rounds] = process.argv;
const options = { timeout: 20_000 };
const store = sqliteCursorStore(
  client === 'better-sqlite3' ? new BetterSqlite3(path, options) : new DatabaseSync(path, options),
);

for (let round = 0; round < Number(rounds); ) {
  const current = (await store.get('race')) ?? null;
  const next = current === null ? 0 : Number(current.slice('v1:'.length)) + 1;
  if (next >= Number(rounds)) break;
  if (await store.compareAndSet('race', current, `v1:${next}`)) console.log(next);
  round = next;
}
