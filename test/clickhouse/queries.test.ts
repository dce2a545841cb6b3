import { readFileSync } from 'node:fs';
import { knownAuditActions, PlanetScaleAuditClient, planetscaleLogsDdl } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { collect, credentials } from '../support/served.ts';
import { answers } from './query-answers.ts';
import { events, now } from './query-history.ts';

/** The queries of docs/queries.md, by title. */
const queries = new Map<string, string>();
const markdown = readFileSync(new URL('../../docs/queries.md', import.meta.url), 'utf8');
for (const [, title = '', sql = ''] of markdown.matchAll(/^## (.+)\n(?:(?!^## )[\s\S])*?```sql\n([\s\S]*?)```/gm)) {
  queries.set(title, sql);
}

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

beforeAll(async () => {
  const fake = fakePlanetScale({ ...credentials, events });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const delivered = await collect(client.events());
  clickHouse.query(planetscaleLogsDdl());
  // Every event twice, as after a crash between an insert and its commit.
  for (const receivedAt of [new Date(now), new Date(now + 60_000)]) {
    await clickHouse.insert('runreveal.planetscale_logs', delivered, { sourceID: 'planetscale-acme', receivedAt });
  }
});

const ask = (sql: string) => clickHouse.rows(`${sql} SETTINGS output_format_json_quote_64bit_integers = 0`);

test('docs/queries.md has five queries, each with an answer to test', () => {
  expect([...queries.keys()]).toEqual(Object.keys(answers));
  expect(queries.size).toBe(5);
});

test.each([...queries])('the query "%s" finds exactly the events that it should', (title, sql) => {
  expect(ask(sql)).toEqual(answers[title]);
});

test.each([...queries])('the query "%s" answers otherwise if one of its names or limits changes', (_, sql) => {
  const answer = ask(sql);
  const changed = (place: RegExpExecArray, by: string) =>
    sql.slice(0, place.index) + by + sql.slice(place.index + place[0].length);
  const names = [...sql.matchAll(/'\w*\.\w+'/g)].map((name) => changed(name, "'no.such_action'"));
  const limits = [...sql.matchAll(/(?<=INTERVAL |BETWEEN |>= )\d+/g)].flatMap((limit) => [
    changed(limit, String(Math.floor(Number(limit[0]) / 2))),
    changed(limit, String(Number(limit[0]) * 2)),
  ]);
  expect(names.length + limits.length).toBeGreaterThan(0);
  for (const other of [...names, ...limits]) expect(ask(other), other).not.toEqual(answer);
});

test.each([...queries])('the query "%s" matches known actions only', (_, sql) => {
  const names = [...sql.matchAll(/'(\w+\.\w+)'/g)].map(([, name]) => name);
  expect(names.filter((name) => !knownAuditActions.some((known) => known === name))).toEqual([]);
});
