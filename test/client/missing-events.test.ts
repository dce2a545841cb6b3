import { AuditConfigError, missingEvents } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, failure, idsOf, numbered, serve } from '../support/served.ts';

const untyped = (value: unknown): never => value as never; // The value is that of a program in JavaScript.

/** A PlanetScale with 250 events, and a store that lacks some of them. */
const setUp = async (missing: readonly string[], options: Parameters<typeof serve>[0] = {}) => {
  const { fake, client } = await serve({ events: numbered(250), ...options });
  const stored = new Set(idsOf(numbered(250)).filter((id) => !missing.includes(id)));
  const asked: number[] = [];
  const has = async (ids: readonly string[]) => {
    asked.push(ids.length);
    return ids.filter((id) => stored.has(id));
  };
  return { fake, source: client(), has, asked };
};

describe('missingEvents', () => {
  test('yields the events that are not stored, newest first, and asks for a page at a time', async () => {
    const { source, has, asked } = await setUp(['event0000007', 'event0000100', 'event0000249']);
    const missing = await collect(missingEvents(source, {}, has));
    expect(idsOf(missing)).toEqual(['event0000249', 'event0000100', 'event0000007']);
    expect(missing[0]).toMatchObject({ audit_action: 'database_branch.created' });
    expect(asked).toEqual([100, 100, 50]);
  });

  test('yields nothing if everything is stored', async () => {
    const { source, has } = await setUp([]);
    expect(await collect(missingEvents(source, {}, has))).toEqual([]);
  });

  test('asks for the events of a range of time alone, and reads no page below it', async () => {
    const { fake, source, has } = await setUp(['event0000007', 'event0000180', 'event0000249']);
    const query = { since: new Date('2026-11-01T00:03:00Z'), until: new Date('2026-11-01T00:04:00Z') };
    expect(idsOf(await collect(missingEvents(source, query, has)))).toEqual(['event0000180']);
    expect(fake.requests).toHaveLength(2);
  });

  test.each(['honoured', 'ignored'] as const)(
    'asks for events of the given actions alone, if the server has %s them',
    async (filters) => {
      const events = numbered(250).map((event, index) =>
        index % 50 === 0 ? { ...event, audit_action: 'user.created' } : event,
      );
      const { source, has, asked } = await setUp(['event0000050', 'event0000051'], { events, filters });
      const query = { actions: ['user.created'], since: new Date('2026-11-01T00:00:30Z') };
      expect(idsOf(await collect(missingEvents(source, query, has)))).toEqual(['event0000050']);
      expect(asked.reduce((sum, count) => sum + count, 0)).toBe(4);
    },
  );

  test("leaves out events that are younger than graceMs by PlanetScale's clock", async () => {
    const now = () => new Date('2026-11-01T00:05:00Z');
    const { source, has } = await setUp(['event0000239', 'event0000241'], { now });
    expect(idsOf(await collect(missingEvents(source, { graceMs: 60_000 }, has)))).toEqual(['event0000239']);
    expect(await collect(missingEvents(source, {}, has))).toEqual([]);
  });

  test('reports an event whose time cannot be read', async () => {
    const [first, ...others] = numbered(3);
    const { source, has } = await setUp(['event0000000'], {
      events: [{ ...first, created_at: 'soon' }, ...others],
      order: 'added',
    });
    expect(idsOf(await collect(missingEvents(source, {}, has)))).toEqual(['event0000000']);
  });

  test('passes on an error of has', async () => {
    const { source } = await setUp([]);
    const lost = new Error('connection lost');
    expect(await failure(collect(missingEvents(source, {}, () => Promise.reject(lost))))).toBe(lost);
  });

  test.each([
    ['undefined', undefined, 'a value of type undefined'],
    ['null', null, 'a value of type null'],
    ['a number', 3, 'a value of type number'],
    ['a text', 'event0000249', 'a value of type string'],
    ['an id that it was not asked for', ['event0000000', 'other'], 'an id that it was not asked for (other)'],
    ['rows in place of ids', [{ id: 'event0000249' }], 'an id that it was not asked for (object)'],
    ['an object without a text', [Object.create(null)], 'an id that it was not asked for (object)'],
    ['no real iterable', { [Symbol.iterator]: 3 }, 'a value of type object'],
  ])('refuses a has that returns %s', async (_, answer, message) => {
    const { source } = await setUp([], { events: numbered(3) });
    const error = await failure(collect(missingEvents(source, {}, () => untyped(answer))));
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining(message));
  });

  test('refuses an unknown option, and names the nearest one', async () => {
    const { source, has } = await setUp([]);
    const error = await failure(collect(missingEvents(source, untyped({ grace: 1 }), has)));
    expect(error).toHaveProperty('message', expect.stringContaining('did you mean graceMs?'));
  });

  test.each([undefined, new Set(['event0000249'])])(
    'refuses %s in place of has, even if the log is empty',
    async (has) => {
      const { source } = await setUp([], { events: [] });
      const error = await failure(collect(missingEvents(source, {}, untyped(has))));
      expect(error).toBeInstanceOf(AuditConfigError);
      expect(error).toHaveProperty('message', expect.stringContaining('Pass a function'));
    },
  );

  test('ends with the reason of its signal while has is at work', async () => {
    const { source } = await setUp([]);
    const controller = new AbortController();
    const has = () => {
      controller.abort('enough');
      return new Promise<string[]>(() => {});
    };
    expect(await failure(collect(missingEvents(source, { signal: controller.signal }, has)))).toBe('enough');
  });

  test('ends with the reason of its signal', async () => {
    const { source, has } = await setUp(['event0000249', 'event0000248']);
    const controller = new AbortController();
    const run = async () => {
      for await (const _ of missingEvents(source, { signal: controller.signal }, has)) controller.abort('enough');
    };
    expect(await failure(run())).toBe('enough');
  });
});
