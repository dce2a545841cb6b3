import { describe, expect, test } from 'vitest';
import { geoLite2 } from '../support/geolite2.ts';
import { lines, served } from '../support/programs.ts';
import { numbered } from '../support/served.ts';
import { runExampleSuccessfully, slowly, temporaryDirectory } from './support.ts';

test(
  'examples/last-24-hours.ts prints the events of the last day, newest first, and their number',
  async () => {
    const recent = numbered(2, Date.now() - 60_000).map(({ created_at }) => ({ created_at }));
    const env = await served(5, [{}, {}, {}, ...recent]);
    const output = lines(await runExampleSuccessfully('last-24-hours.ts', { env }));
    expect(output.map((line) => line.slice(0, 24).trim())).toEqual([
      recent[1]?.created_at,
      recent[0]?.created_at,
      '2 event(s) in the last 2',
    ]);
  },
  slowly,
);

test(
  'examples/where-from.ts prints the country of each IP address',
  async () => {
    const env = await served(3, [{ remote_ip: '8.8.8.8' }, { remote_ip: '203.0.113.24' }, { remote_ip: null }]);
    const output = await runExampleSuccessfully('where-from.ts', { args: [geoLite2.country], env });
    expect(lines(output).map((line) => line.split('\t').slice(2, 4))).toEqual([
      ['', ''],
      ['203.0.113.24', ''],
      ['8.8.8.8', 'US'],
    ]);
  },
  slowly,
);

describe('examples/unstorage-store.ts', () => {
  test(
    'counts each event once over two runs, with its cursor in files of unstorage',
    async () => {
      const env = { CURSOR_DIRECTORY: await temporaryDirectory() };
      const runOnce = async (count: number) =>
        lines(await runExampleSuccessfully('unstorage-store.ts', { env: { ...(await served(count)), ...env } })).at(-1);
      expect(await runOnce(250)).toBe('250 × database_branch.created');
      expect(await runOnce(253)).toBe('3 × database_branch.created');
    },
    slowly,
  );
});
