import { readFileSync } from 'node:fs';
import { AuditResponseError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { failure, listOf, serve } from '../support/served.ts';

const samples: { readonly events: readonly Record<string, unknown>[] } = JSON.parse(
  readFileSync(new URL('../support/samples.json', import.meta.url), 'utf8'),
);

describe('invalid events', () => {
  const good = { id: 'goodgoodgood', audit_action: 'database.created', created_at: '2026-11-01T00:00:00Z' };
  const bad = [{ ...good, id: undefined }, { ...good, audit_action: 7 }, { ...good, created_at: null }, 'rubbish'];

  test('make a page reject by default, with the raw JSON and the issues of each of them', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([good, ...bad]));
    const error = await failure(client().page());
    expect(error).toBeInstanceOf(AuditResponseError);
    expect(error).toMatchObject({
      retryable: false,
      invalidEvents: [
        { id: undefined, rawJson: JSON.stringify(bad[0]), issues: [{ path: 'id' }] },
        { id: good.id, rawJson: JSON.stringify(bad[1]), issues: [{ path: 'audit_action' }] },
        { id: good.id, rawJson: JSON.stringify(bad[2]), issues: [{ path: 'created_at' }] },
        { id: undefined, rawJson: '"rubbish"', issues: [{ path: '' }] },
      ],
    });
  });

  test('go to an onInvalidEvent function once each, and the page gives the other events', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([good, ...bad]), listOf([good, ...bad]));
    const parked: string[] = [];
    const parking = client({ onInvalidEvent: async ({ rawJson }) => void parked.push(rawJson) });
    expect((await parking.page()).events).toHaveLength(1);
    expect((await parking.page()).events).toHaveLength(1);
    expect(parked).toEqual(bad.map((event) => JSON.stringify(event)));
  });

  test('go to onInvalidEvent again if the function has thrown', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([bad[0]]), listOf([bad[0]]));
    let calls = 0;
    const parking = client({
      onInvalidEvent: () => {
        if (++calls === 1) throw new Error('the dead letter queue is down');
      },
    });
    await expect(parking.page()).rejects.toThrow('the dead letter queue is down');
    await parking.page();
    expect(calls).toBe(2);
  });

  test.each(samples.events)(
    'do not include the public sample $audit_action once it has an id and a date',
    async (sample) => {
      const { fake, client } = await serve();
      fake.failNext(listOf([{ id: 'madeupid0000', created_at: '2026-11-01T00:00:00Z', ...sample }]));
      const [event] = (await client().page()).events;
      expect(event).toMatchObject(sample);
    },
  );
});
