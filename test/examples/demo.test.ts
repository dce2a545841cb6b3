import { runRevealColumns } from 'planetscale-audit';
import { beforeAll, describe, expect, test } from 'vitest';
import { unprintable } from '../support/hostile-text.ts';
import { environmentOf, hostileNames, lines, served } from '../support/programs.ts';
import { numbered, serve } from '../support/served.ts';
import { runExample, runExampleSuccessfully, slowly, withClosedPipe } from './support.ts';

const noCredentials = { PLANETSCALE_ORG: '', PLANETSCALE_SERVICE_TOKEN_ID: '', PLANETSCALE_SERVICE_TOKEN: '' };

/** The number of events that the last line calls repeated, if the rest of the line is as expected. */
const repeatedIn = (output: string, { made, delivered, lost }: Readonly<Record<string, number>>): number => {
  const pattern = new RegExp(`^made ${made}, delivered ${delivered}, repeated (\\d+), lost ${lost}$`);
  expect(lines(output).at(-1)).toMatch(pattern);
  return Number(pattern.exec(lines(output).at(-1) ?? '')?.[1]);
};

describe('the demo without credentials', () => {
  let output: string;
  beforeAll(async () => {
    output = await runExampleSuccessfully('demo.ts', { env: noCredentials });
  }, slowly);

  test('loses no event across a kill -9, repeats the batch that was in flight, and says so', () => {
    const repeated = repeatedIn(output, { made: 390, delivered: 390, lost: 0 });
    expect(repeated).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(100);
    expect(output).toMatch(/rows, +\d+ in the table, up to .*\nkill -9: .* not in the cursor on the disk/);
    expect(output).toContain(`The kill made the poller deliver ${repeated} events again`);
  });

  test('prints at most 80 lines', () => {
    expect(lines(output).length).toBeGreaterThan(40);
    expect(output.split('\n').length).toBeLessThanOrEqual(80);
  });

  test('prints the summary of the table, bars with their meaning, and then one row with all of its columns', () => {
    const places = [
      output.search(/^runreveal\.planetscale_logs has 390 rows, from .* to .* UTC\.$/m),
      output.search(/^Events of each day \(the longest bar is the busiest day\)$/m),
      output.search(/^ {2}deploy-bot .* {2}█{40}$/m),
      output.search(/^ {2}eventName +\S+_leaked$/m),
      output.search(/^ {2}psMetadata +\{/m),
    ];
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const row = output.slice(output.indexOf('One row, whole'));
    const shown = [...row.matchAll(/^ {2}([a-z]\w+) {2,}\S/gim)].map(([, name]) => name);
    const [, empty = ''] = /columns are empty here: (.*)/.exec(row) ?? [];
    expect([...shown, ...empty.split(', ')].sort()).toEqual(runRevealColumns.map(({ name }) => name).sort());
  });
});

describe('the demo', () => {
  test(
    'exits with status 1 if an event was lost, and does not count a deletion as a loss',
    async () => {
      const { fake, url } = await serve({ events: numbered(250) });
      let hasChanged = false;
      const { code, output } = await runExample('demo.ts', {
        env: environmentOf(url),
        until: (soFar) => {
          if (hasChanged || !/were there already\), up to 2026-11-01T00:04:09/.test(soFar)) return false;
          hasChanged = true;
          fake.remove('event0000200');
          // This event becomes visible later than the lookback covers, so no poller can find it.
          fake.add({ created_at: '2026-11-01T00:03:30.500Z' });
          return false;
        },
      });
      repeatedIn(output, { made: 201, delivered: 200, lost: 1 });
      expect(code).toBe(1);
    },
    slowly,
  );

  test(
    'ends without an error when its reader closes the pipe',
    async () => {
      expect(await withClosedPipe('demo.ts', noCredentials)).toEqual(['status 0']);
    },
    slowly,
  );

  test(
    'exits with status 1 and the reason if PlanetScale refuses the token',
    async () => {
      const { code, output } = await runExample('demo.ts', {
        env: { ...(await served(3)), PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' },
      });
      expect(code).toBe(1);
      expect(output).toContain('PlanetScale does not know these credentials');
      expect(lines(output).at(-1)).toBe('The poller ended with status 1. Its error is above.');
    },
    slowly,
  );

  test(
    'reads the organization that the environment names, and prints its names as printable text',
    async () => {
      const env = await served(250, Array(250).fill(hostileNames));
      const output = await runExampleSuccessfully('demo.ts', { env });
      expect(output).toContain(String.raw`\u001b[2J\u202emain`);
      for (const line of lines(output)) expect(line).not.toMatch(unprintable);
      expect(repeatedIn(output, { made: 200, delivered: 200, lost: 0 })).toBeLessThanOrEqual(100);
    },
    slowly,
  );
});
