import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planetscaleLogsDdl } from 'planetscale-audit';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { openClickHouse } from '../support/clickhouse.ts';
import { serveOverHttp } from '../support/clickhouse-http.ts';
import { lines, served } from '../support/programs.ts';
import { everyEvent, runExample, runExampleSuccessfully, slowly, temporaryDirectory } from './support.ts';

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

beforeEach(() => {
  clickHouse.query('DROP TABLE IF EXISTS runreveal.planetscale_logs');
  clickHouse.query(planetscaleLogsDdl());
});

test(
  'examples/mend-clickhouse.ts inserts the three events that are missing from the table, and then finds it whole',
  async () => {
    const env = {
      ...(await served(253)),
      CLICKHOUSE_URL: await serveOverHttp(clickHouse),
      CURSOR_DIRECTORY: await temporaryDirectory(),
    };
    await runExampleSuccessfully('to-clickhouse.ts', { env });
    const [newest, middle, oldest] = ['event0000252', 'event0000120', 'event0000000'];
    clickHouse.query(`DELETE FROM runreveal.planetscale_logs WHERE eventID IN ('${newest}', '${middle}', '${oldest}')`);

    const mended = lines(await runExampleSuccessfully('mend-clickhouse.ts', { env }));
    expect(mended.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      ...[newest, middle, oldest].map((id) => `inserted ${id}`),
      '3 event(s)',
    ]);
    const rows = clickHouse.rows('SELECT eventID, sourceID FROM runreveal.planetscale_logs ORDER BY eventID');
    expect(rows).toEqual(everyEvent().map((id) => ({ eventID: id, sourceID: 'acme' })));
    expect(lines(await runExampleSuccessfully('mend-clickhouse.ts', { env }))).toEqual(['no event was missing']);
  },
  slowly,
);

test(
  'examples/run-detections.ts prints what the detections find in the rows since its last run, and leaves the last minute to the next',
  async () => {
    const stateFile = join(await temporaryDirectory(), 'state');
    const env = { CLICKHOUSE_URL: await serveOverHttp(clickHouse), STATE_FILE: stateFile };
    const run = async () =>
      lines(await runExampleSuccessfully('run-detections.ts', { env })).map((line) => JSON.parse(line));
    const insert = (id: string, audit_action: string, secondsAgo: number) =>
      clickHouse.insert('runreveal.planetscale_logs', [eventWith({ id, audit_action })], {
        receivedAt: new Date(Date.now() - secondsAgo * 1000),
      });
    await insert('leak', 'service_token.token_leaked', 300);
    await insert('ordinary', 'database_branch.created', 300);
    await insert('before', 'organization.disabled_sso', 3600);
    await insert('too-new', 'organization.disabled_sso', -3600);

    expect(await run()).toMatchObject([
      { name: 'planetscale-credential-leaked', severity: 'Critical', riskScore: 90, row: { eventID: 'leak' } },
    ]);
    expect(await run()).toEqual([]);
    const end = Number(await readFile(stateFile, 'utf8'));
    expect(Date.now() / 1000 - end).toBeGreaterThanOrEqual(60);

    await writeFile(stateFile, `${end - 7200}\n`);
    expect((await run()).map(({ row }) => row.eventID).sort()).toEqual(['before', 'leak']);
    await writeFile(stateFile, 'yesterday');
    expect((await runExample('run-detections.ts', { env })).output).toContain('has no time of a run');
  },
  slowly,
);
