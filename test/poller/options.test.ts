import { inspect } from 'node:util';
import { AuditConfigError, type AuditSource, memoryCursorStore, type PollerOptions, poller } from 'planetscale-audit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dayMs, startMs } from '../support/polling.ts';
import { collect, credentials, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

describe('poller()', () => {
  test.each([
    [{ store: undefined }, /store: must have the methods get and set/],
    [{ intervalMs: 0 }, /intervalMs: must be a number of milliseconds/],
    [{ intervalMs: Number.NaN }, /intervalMs: must be a number of milliseconds/],
    [{ lookbackMs: -1 }, /lookbackMs: must be a number of milliseconds/],
    [{ startFrom: { newest: -1 } }, /startFrom.newest: must be a whole number of events/],
    [{ startFrom: 'newest' }, /startFrom: must be 'oldest', 'now'/],
    [{ startFrom: { since: new Date('x') } }, /startFrom: must be 'oldest', 'now'/],
    [{ actions: [] }, /actions: must name an action, or be left out/],
    [{ key: '' }, /key: must not be empty/],
  ])('rejects the options %j with an AuditConfigError that says what to do', (wrong, message) => {
    const options = { store: new Map(), ...wrong } as unknown as PollerOptions; // Wrong on purpose.
    expect(() => poller(sourceOf(fakeWith(0)), options)).toThrow(AuditConfigError);
    expect(() => poller(sourceOf(fakeWith(0)), options)).toThrow(message);
  });

  test.each([undefined, null, {}, { organization: 'acme' }, { page: () => {} }])(
    'rejects the source %j with an AuditConfigError that says what to do',
    (wrong) => {
      const source = wrong as unknown as AuditSource; // Wrong on purpose.
      expect(() => poller(source, { store: new Map() })).toThrow(AuditConfigError);
      expect(() => poller(source, { store: new Map() })).toThrow(/must be a PlanetScaleAuditClient/);
    },
  );

  test('makes a poller that logs the notices that need attention, and no others, if onNotice is missing', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const fake = fakeWith(3);
    const store = memoryCursorStore();
    const options = { store, drain: true, startFrom: 'oldest' } as const;
    await collect(poller(sourceOf(fake), options));
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^planetscale-audit: first-run: /));
    warn.mockClear();
    await collect(poller(sourceOf(fake), options));
    expect(warn).not.toHaveBeenCalled();
    for (const { id } of numbered(3)) fake.remove(id);
    vi.setSystemTime(startMs + 31 * dayMs);
    await collect(poller(sourceOf(fake), options));
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^planetscale-audit: possible-gap: \{"lastSeenId":"event0000002","lastScanAt":"/),
    );
  });

  test('returns a poller that shows none of the credentials when it is inspected', () => {
    const running = poller(sourceOf(fakeWith(0)), { store: new Map() });
    expect(inspect(running, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(
      credentials.serviceToken,
    );
  });
});
