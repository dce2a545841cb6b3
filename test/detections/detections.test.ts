import { isDeepStrictEqual } from 'node:util';
import { toRunRevealRow } from 'planetscale-audit';
import { afterAll, describe, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { cases, from, lookupIp, type Received, windowMs } from './cases.ts';
import { type Detection, detections, looksAtOneEvent } from './detections.ts';
import { type Run, runDetection } from './run-detection.ts';

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close(), 120_000); // It drops some two hundred tables.
const ourTable = clickHouse.newTable('planetscale_logs');

type Rows = readonly Record<string, unknown>[];

/** A row of an event that the table receives for the first time, or again so many times two seconds later. */
const lineOf = ({ event, receivedAt }: Received, copy: number): string => {
  const context = { sourceID: 'planetscale-acme', lookupIp, receivedAt: new Date(receivedAt.getTime() + copy * 2000) };
  return JSON.stringify(toRunRevealRow(event, context));
};

let tables = 0;

/** A table with `copies` rows of each event, and with the engine of our own table, or with one that keeps every row. */
async function createTable(received: readonly Received[], copies: number, isOurs: boolean): Promise<string> {
  tables += 1;
  const table = `runreveal.events_${tables}`;
  clickHouse.query(`CREATE TABLE ${table} AS ${ourTable}${isOurs ? '' : ' ENGINE = MergeTree ORDER BY receivedAt'}`);
  if (copies > 1) clickHouse.query(`SYSTEM STOP MERGES ${table}`);
  for (let copy = 0; copy < copies; copy += 1) {
    await clickHouse.insertLines(
      table,
      received.map((each) => lineOf(each, copy)),
    );
  }
  return table;
}

const plainTables = new Map<readonly Received[], Promise<string>>();

/** A table that keeps every row, as RunReveal's may. */
const plainTable = (received: readonly Received[]): Promise<string> => {
  const table = plainTables.get(received) ?? createTable(received, 1, false);
  plainTables.set(received, table);
  return table;
};

const ask = (detection: Detection, table: string, run: Partial<Run> = {}): Rows =>
  runDetection(clickHouse, detection, { table, from, to: from + windowMs, ...run });

const inOrder = (rows: Rows): Rows => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** The answer without the columns in which two rows of one event differ. */
const findings = (rows: Rows): Rows => inOrder(rows.map(({ receivedAt: _, id: __, ...row }) => row));

const caseOf = ({ name }: Detection) => cases[name] ?? expect.unreachable(`${name} has no case`);

function expectFound(detection: Detection, rows: Rows): void {
  const { found, answer } = caseOf(detection);
  if (answer) expect(inOrder(rows)).toMatchObject(answer);
  else expect(rows.map(({ eventID }) => eventID).sort()).toEqual(found.map(({ event }) => event.id).sort());
}

test('every detection has a case, with at least two near misses', () => {
  expect(Object.keys(cases).sort()).toEqual(detections.map(({ name }) => name));
  for (const { nearMisses } of Object.values(cases)) expect(Object.keys(nearMisses).length).toBeGreaterThanOrEqual(2);
});

describe.each(detections)('$name', (detection) => {
  const { found, nearMisses } = caseOf(detection);

  test('finds what it should, in a table whose engine keeps every row', async () => {
    expectFound(detection, ask(detection, await plainTable(found)));
  });

  test('gives the same answer if every event was sent twice, to either table, before ClickHouse merges and after', async () => {
    const once = findings(ask(detection, await plainTable(found)));
    expect(once).not.toEqual([]);
    expect(findings(ask(detection, await createTable(found, 2, false)))).toEqual(once);
    const ours = await createTable(found, 2, true);
    expect(findings(ask(detection, ours))).toEqual(once);
    clickHouse.query(`SYSTEM START MERGES ${ours}`);
    clickHouse.query(`OPTIMIZE TABLE ${ours} FINAL`);
    expect(clickHouse.rows(`SELECT toUInt32(count()) AS n FROM ${ours}`)).toEqual([{ n: found.length }]);
    expect(findings(ask(detection, ours))).toEqual(once);
  });

  test('reports what it finds in one window, and not again in the windows before and after', async () => {
    const table = await plainTable(found);
    for (const later of [-2, -1, 1, 2]) {
      const start = from + later * windowMs;
      expect(ask(detection, table, { from: start, to: start + windowMs }), String(later)).toEqual([]);
    }
  });

  test.each(Object.entries(nearMisses))('finds nothing in a near miss: %s', async (_, events) => {
    expect(ask(detection, await plainTable(events))).toEqual([]);
  });

  test('answers otherwise if an action in its query or a value of its parameters changes', async () => {
    const inputs = await Promise.all([found, ...Object.values(nearMisses)].map(plainTable));
    const answers = inputs.map((table) => findings(ask(detection, table)));
    const changesAnAnswer = (run: Partial<Run>) =>
      inputs.some((table, index) => !isDeepStrictEqual(findings(ask(detection, table, run)), answers[index]));
    for (const { index, 0: name } of detection.sql.matchAll(/'\w+\.\w+'/g)) {
      const sql = `${detection.sql.slice(0, index)}'no.such_action'${detection.sql.slice(index + name.length)}`;
      expect(changesAnAnswer({ sql }), `${name} at ${index}`).toBe(true);
    }
    for (const [name, value] of Object.entries(detection.parameters)) {
      for (const factor of [0.5, 2]) {
        const parameters = { [name]: String(Math.floor(Number(value) * factor)) };
        expect(changesAnAnswer({ parameters }), JSON.stringify(parameters)).toBe(true);
      }
    }
  });
});

test.each(detections.filter(looksAtOneEvent))(
  '$name includes the start of its window, and not the end',
  async (detection) => {
    const [first] = caseOf(detection).found;
    const receivedMs = first?.receivedAt.getTime() ?? 0;
    const table = await plainTable(caseOf(detection).found);
    const eventsFound = (start: number) =>
      ask(detection, table, { from: start, to: start + windowMs }).map(({ eventID }) => eventID);
    expect(eventsFound(receivedMs)).toContain(first?.event.id);
    expect(eventsFound(receivedMs - windowMs)).not.toContain(first?.event.id);
  },
);
