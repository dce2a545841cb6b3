import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { type AuditEvent, planetscaleLogsDdl, type RunRevealContext, toJsonEachRow } from 'planetscale-audit';

/** A real ClickHouse in this process, with an empty database `runreveal`. */
export interface ClickHouse {
  query(sql: string): void;
  /** The answer to a statement, in the format that it names. */
  text(sql: string): string;
  /** The rows of a SELECT, parsed from JSONEachRow. */
  rows(select: string): Record<string, unknown>[];
  /** Creates a table with planetscaleLogsDdl and returns its name with the database. */
  newTable(name: string): string;
  insertLines(table: string, lines: readonly string[], settings?: Record<string, string>): Promise<void>;
  insert(table: string, events: readonly AuditEvent[], context?: RunRevealContext): Promise<void>;
  close(): void;
}

/** Opens a ClickHouse. A test file opens one for all of its tests, because chdb has one data directory for each process. */
export function openClickHouse(): ClickHouse {
  const directory = mkdtempSync(join(tmpdir(), 'planetscale-audit-chdb-'));
  const session = new Session(directory);
  session.query('CREATE DATABASE runreveal');

  const insertLines = async (table: string, lines: readonly string[], settings: Record<string, string> = {}) => {
    await session.insert({ table, values: Buffer.from(lines.join('\n')), format: 'JSONEachRow', settings });
  };
  return {
    query: (sql) => void session.query(sql),
    text: (sql) => session.query(sql),
    rows: (select) =>
      session
        .query(select, 'JSONEachRow')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    newTable: (table) => {
      session.query(planetscaleLogsDdl({ table }));
      return `runreveal.${table}`;
    },
    insertLines,
    insert: (table, events, context) =>
      insertLines(
        table,
        events.map((event) => toJsonEachRow(event, context)),
      ),
    close: () => {
      session.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
