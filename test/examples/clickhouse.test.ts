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
  'examples/mend-clickhouse.ts inserts missing events by the hundred',
  async () => {
    const env = { ...(await served(253)), CLICKHOUSE_URL: await serveOverHttp(clickHouse) };
    clickHouse.query('SYSTEM STOP MERGES runreveal.planetscale_logs');
    expect(lines(await runExampleSuccessfully('mend-clickhouse.ts', { env })).at(-1)).toBe('253 event(s) were missing');
    const rows = clickHouse.rows('SELECT eventID FROM runreveal.planetscale_logs ORDER BY eventID');
    expect(rows).toEqual(everyEvent().map((id) => ({ eventID: id })));
    const parts = `SELECT toUInt32(count(DISTINCT min_block_number)) AS n FROM system.parts WHERE table = 'planetscale_logs' AND active`;
    expect(clickHouse.rows(parts)).toEqual([{ n: 3 }]);
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
      clickHouse.insert('runreveal.planetscale_logs', [eventWith({ id, audit_action, auditable_display_name: id })], {
        receivedAt: new Date(Date.now() - secondsAgo * 1000),
      });
    await insert('leak', 'service_token.token_leaked', 300);
    await insert('main', 'database_branch.deleted', 300);
    await insert('ordinary', 'database_branch.created', 300);
    await insert('before', 'organization.disabled_sso', 3600);
    await insert('too-new', 'organization.disabled_sso', -3600);

    expect(await run()).toMatchObject([
      { name: 'planetscale-branch-deleted', row: { eventID: 'main' } },
      { name: 'planetscale-credential-leaked', severity: 'Critical', riskScore: 90, row: { eventID: 'leak' } },
      { name: 'planetscale-main-branch-deleted', row: { eventID: 'main' } },
    ]);
    expect(await run()).toEqual([]);
    const state = await readFile(stateFile, 'utf8');
    const ends = [...state.matchAll(/ (\d+)\n/g)].map(([, end]) => Number(end));
    expect(new Set(ends).size).toBe(1);
    expect(Date.now() / 1000 - Math.max(...ends)).toBeGreaterThanOrEqual(60);

    await writeFile(stateFile, state.replace(/ \d+\n/g, ` ${Math.min(...ends) - 7200}\n`));
    expect((await run()).map(({ row }) => row.eventID).sort()).toEqual(['before', 'leak', 'main', 'main']);
    await writeFile(stateFile, 'yesterday');
    expect((await runExample('run-detections.ts', { env })).output).toContain('has no times of runs');
  },
  slowly,
);

test(
  'examples/run-detections.ts runs the other detections if one fails, and repeats the failed one over the same time',
  async () => {
    const env = {
      CLICKHOUSE_URL: await serveOverHttp(clickHouse),
      STATE_FILE: join(await temporaryDirectory(), 'state'),
    };
    const run = () => runExample('run-detections.ts', { env });
    const robot = { actor_id: 'r0b0t', actor_type: 'ServiceToken', actor_display_name: 'deploy-bot' };
    const insert = (id: string, changes: Record<string, unknown>, secondsAgo: number, asNumber: number) => {
      const receivedAt = new Date(Date.now() - secondsAgo * 1000);
      const event = eventWith({ id, ...robot, ...changes, created_at: receivedAt.toISOString() });
      const context = { receivedAt, lookupIp: () => ({ asNumber }) };
      return clickHouse.insert('runreveal.planetscale_logs', [event], context);
    };
    await insert('past', { audit_action: 'database_branch.created' }, 86_400, 64500);
    await insert('leak', { audit_action: 'service_token.token_leaked', auditable_display_name: 'other' }, 300, 64501);
    clickHouse.query('ALTER TABLE runreveal.planetscale_logs RENAME COLUMN srcASOrganization TO other');

    const first = await run();
    expect(first.code).toBe(1);
    expect(first.output).toContain('planetscale-service-token-new-network.yaml failed: ');
    expect(first.output).toContain('"name":"planetscale-credential-leaked"');
    const second = await run();
    expect(second.code).toBe(1);
    expect(second.output).not.toContain('"name"');

    clickHouse.query('ALTER TABLE runreveal.planetscale_logs RENAME COLUMN other TO srcASOrganization');
    const findings = lines(await runExampleSuccessfully('run-detections.ts', { env })).map((line) => JSON.parse(line));
    expect(findings).toMatchObject([{ name: 'planetscale-service-token-new-network', row: { actorId: 'r0b0t' } }]);
  },
  slowly,
);
