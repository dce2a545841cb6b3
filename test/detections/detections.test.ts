import { isDeepStrictEqual } from 'node:util';
import { toRunRevealRow } from 'planetscale-audit';
import { afterAll, describe, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { cases, deletionAt, from, lookupIp, type Received, windowMs } from './cases.ts';
import { type Detection, detections, looksAtOneEvent } from './detections.ts';
import { type Run, runDetection } from './run-detection.ts';

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close(), 120_000); // It drops some two hundred tables.
const ourTable = clickHouse.newTable('planetscale_logs');

type Rows = readonly Record<string, unknown>[];

const lineOf = ({ event, receivedAt, sourceID = 'planetscale-acme' }: Received): string =>
  JSON.stringify(toRunRevealRow(event, { sourceID, lookupIp, receivedAt }));

/** The events as the table receives them again, some time later. */
const again = (received: readonly Received[], laterMs: number): readonly Received[] =>
  received.map((each) => ({ ...each, receivedAt: new Date(each.receivedAt.getTime() + laterMs) }));

let tables = 0;

/** A table with a part for each of `inserts`, and with the engine of our own table, or with one that keeps every row. */
async function createTable(isOurs: boolean, ...inserts: readonly (readonly Received[])[]): Promise<string> {
  tables += 1;
  const table = `runreveal.events_${tables}`;
  clickHouse.query(`CREATE TABLE ${table} AS ${ourTable}${isOurs ? '' : ' ENGINE = MergeTree ORDER BY receivedAt'}`);
  if (inserts.length > 1) clickHouse.query(`SYSTEM STOP MERGES ${table}`);
  for (const received of inserts) await clickHouse.insertLines(table, received.map(lineOf));
  return table;
}

function merge(table: string): void {
  clickHouse.query(`SYSTEM START MERGES ${table}`);
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
}

const plainTables = new Map<readonly Received[], Promise<string>>();

/** A table that keeps every row, as RunReveal's may. */
const plainTable = (received: readonly Received[]): Promise<string> => {
  const table = plainTables.get(received) ?? createTable(false, received);
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
  expect(new Set(rows.map(({ sourceID }) => sourceID))).toEqual(new Set(['planetscale-acme']));
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
    expect(findings(ask(detection, await createTable(false, found, again(found, 2000))))).toEqual(once);
    const ours = await createTable(true, found, again(found, 2000));
    expect(findings(ask(detection, ours))).toEqual(once);
    merge(ours);
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
    const ours = await createTable(true, events);
    merge(ours);
    expect(ask(detection, ours)).toEqual([]);
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
    for (const [name, value] of Object.entries(detection.parameters ?? {})) {
      for (const changed of otherValues(value)) {
        expect(changesAnAnswer({ parameters: { [name]: changed } }), `${name}: ${changed}`).toBe(true);
      }
    }
  });
});

/** Half and twice a number, or a list without each of its texts. */
function otherValues(value: string): string[] {
  if (!value.startsWith('[')) return [0.5, 2].map((factor) => String(Math.floor(Number(value) * factor)));
  const texts = value.slice(1, -1).split(', ');
  return texts.map((text) => `[${texts.filter((other) => other !== text).join(', ')}]`);
}

const looksAtManyEvents = detections.filter((detection) => !looksAtOneEvent(detection));

test.each(looksAtManyEvents)(
  '$name finds nothing more in events that arrive again in a later window',
  async (detection) => {
    const { found } = caseOf(detection);
    for (const laterMs of [windowMs, 5 * 86_400_000]) {
      const start = from + laterMs;
      const inserts = [found, again(found, laterMs)];
      // In both orders, so that the query has to put the rows in order itself.
      for (const parts of [inserts, inserts.toReversed()]) {
        const table = await createTable(true, ...parts);
        expect(ask(detection, table, { from: start, to: start + windowMs })).toEqual([]);
      }
    }
  },
);

const looksBackADay = looksAtManyEvents.filter(({ sql }) =>
  /toInterval(Day\(1|Hour\(25|Second\([^)]*86400)\)/.test(sql),
);

test('the detections that compare times or the past with the window are those that take an event into account for a day', () => {
  expect(looksBackADay.map(({ name }) => name)).toEqual([
    'planetscale-action-first-seen',
    'planetscale-actor-in-distant-places',
    'planetscale-actor-new-country',
    'planetscale-deletion-burst',
    'planetscale-service-token-new-network',
  ]);
});

test.each(looksBackADay)(
  '$name finds nothing in events that arrive again days later, once ClickHouse has merged the rows',
  async (detection) => {
    const start = from + 5 * 86_400_000;
    const { found } = caseOf(detection);
    const table = await createTable(true, found, again(found, 5 * 86_400_000));
    merge(table);
    expect(ask(detection, table, { from: start, to: start + windowMs })).toEqual([]);
  },
);

test('planetscale-deletion-burst finds a burst in a longer time, if its parameter says so', async () => {
  const detection = detections.find(({ name }) => name === 'planetscale-deletion-burst') ?? expect.unreachable();
  const actor = { actor_id: 'slow00000000' };
  const slow = Array.from({ length: 10 }, (_, index) => deletionAt((index - 9) * 13 * 60_000, `hook ${index}`, actor));
  const table = await plainTable(slow);
  expect(ask(detection, table)).toEqual([]);
  expect(ask(detection, table, { parameters: { seconds: '7200' } })).toMatchObject([
    { actorId: 'slow00000000', deletedObjects: 10, firstDeletion: '2026-11-20 10:03:00' },
  ]);
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
