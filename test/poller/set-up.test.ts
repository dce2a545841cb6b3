import {
  AuditApiError,
  type AuditSource,
  CursorStoreError,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
  type StartFrom,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ids, minuteMs, startMs } from '../support/polling.ts';
import { collect, credentials, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs }));
afterEach(() => void vi.useRealTimers());

const fakeWith = (count: number) => fakePlanetScale({ ...credentials, events: numbered(count) });

const drain = async (source: AuditSource, options: Partial<PollerOptions> & Pick<PollerOptions, 'store'>) => {
  const notices: PollNotice[] = [];
  const onNotice = (notice: PollNotice) => void notices.push(notice);
  const delivered = ids(await collect(poller(source, { drain: true, onNotice, ...options })));
  return { delivered, notices };
};

const messages = (notices: readonly PollNotice[], type: PollNotice['type']): string[] =>
  notices.filter((notice) => notice.type === type).map((notice) => ('message' in notice ? notice.message : ''));

describe('a first run', () => {
  test.each<[StartFrom | undefined, string]>([
    [undefined, 'starts with the 200 newest events, and leaves out older ones'],
    [{ newest: 5 }, 'starts with the 5 newest events, and leaves out older ones'],
    ['oldest', 'leaves out none'],
    ['now', 'leaves out every event that is there already'],
    [{ since: new Date(startMs) }, 'leaves out every event created before 2026-11-01T00:00:00.000Z'],
    [{ newerThan: 'event0000001' }, 'starts above the event event0000001'],
  ])('from %j says once where it starts and what it leaves out', async (startFrom, expected) => {
    const options = { store: memoryCursorStore(), startFrom };
    const { notices } = await drain(sourceOf(fakeWith(3)), options);
    expect(messages(notices, 'first-run')).toEqual([expect.stringContaining(expected)]);
    expect(messages((await drain(sourceOf(fakeWith(3)), options)).notices, 'first-run')).toEqual([]);
  });

  test("with startFrom 'resume' is an error that says so, and writes nothing", async () => {
    const store = memoryCursorStore();
    const error = await failure(drain(sourceOf(fakeWith(3)), { store, startFrom: 'resume' }));
    expect(error).toBeInstanceOf(CursorStoreError);
    expect(error).toMatchObject({ retryable: false, message: expect.stringMatching(/no cursor.*'resume'.*startFrom/) });
    expect(await store.get('planetscale-audit:acme')).toBeUndefined();
  });
});

describe('startFrom after the first run', () => {
  test.each<[StartFrom | undefined, StartFrom | undefined, string | undefined]>([
    [undefined, 'oldest', "startFrom is 'oldest' and has no effect"],
    ['oldest', { newest: 200 }, 'startFrom is { newest: 200 } and has no effect'],
    [{ newest: 10 }, { newest: 20 }, 'a first run from { newest: 10 }'],
    [{ newest: 10 }, { newest: 10 }, undefined],
    ['oldest', undefined, undefined],
    ['oldest', 'resume', undefined],
    [{ since: new Date(startMs) }, { since: new Date(startMs + minuteMs) }, undefined],
    [{ since: new Date(startMs) }, 'oldest', 'a first run from { since: … }'],
  ])('%j and then %j: reports a start that has no effect', async (first, later, expected) => {
    const store = memoryCursorStore();
    await drain(sourceOf(fakeWith(3)), { store, startFrom: first });
    const { notices } = await drain(sourceOf(fakeWith(3)), { store, startFrom: later });
    expect(messages(notices, 'start-ignored')).toEqual(
      expected === undefined ? [] : [expect.stringContaining(expected)],
    );
  });

  test('is reported once for each key by all pollers of a process, even if each of them opens the store anew', async () => {
    const store = memoryCursorStore();
    const reported: string[] = [];
    for (const key of ['a', 'b']) {
      await drain(sourceOf(fakeWith(3)), { store, key, startFrom: 'now' });
      for (let run = 0; run < 3; run++) {
        const { notices } = await drain(sourceOf(fakeWith(3)), { store: { ...store }, key, startFrom: 'oldest' });
        reported.push(...messages(notices, 'start-ignored'));
      }
    }
    expect(reported).toEqual([expect.stringContaining('"a"'), expect.stringContaining('"b"')]);
  });
});

test('an unknown action is reported with the nearest known one, and requested all the same', async () => {
  const fake = fakePlanetScale({ ...credentials, events: [{ audit_action: 'branch.delete' }] });
  const options = { store: memoryCursorStore(), actions: ['branch.delete', 'branch.deleted', 'new.thing'] };
  const { delivered, notices } = await drain(sourceOf(fake), options);
  expect(messages(notices, 'unknown-action')).toEqual([
    expect.stringContaining('branch.delete. Did you mean branch.deleted?'),
    expect.stringContaining('does not know the action new.thing. The poller'),
  ]);
  expect(delivered).toHaveLength(1);
});

describe('a first request that is refused with 404', () => {
  const refused = (verifyAccess?: AuditSource['verifyAccess']): AuditSource => ({
    organization: 'acme',
    page: () => Promise.reject(new AuditApiError('PlanetScale returned 404.', { status: 404, code: 'not_found' })),
    ...(verifyAccess && { verifyAccess }),
  });

  test('ends the poller with the cause that verifyAccess found', async () => {
    const source = refused(async () => ({ ok: false, reason: 'missing-permission', message: 'The token lacks it.' }));
    const error = await failure(drain(source, { store: memoryCursorStore() }));
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status: 404, code: 'not_found', message: 'The token lacks it.' });
  });

  test('stays as it is, without a call of verifyAccess, if a proxy or a firewall has answered', async () => {
    const original = new AuditApiError('A proxy has answered.', { status: 404, fromIntermediary: true });
    const verifyAccess = vi.fn();
    const source = { organization: 'acme', page: () => Promise.reject(original), verifyAccess };
    expect(await failure(drain(source, { store: memoryCursorStore() }))).toBe(original);
    expect(verifyAccess).not.toHaveBeenCalled();
  });

  test('ends the poller quietly if an abort interrupts verifyAccess', async () => {
    const controller = new AbortController();
    const source = refused(async ({ signal } = {}) => {
      controller.abort();
      throw signal?.reason;
    });
    const { delivered } = await drain(source, { store: memoryCursorStore(), signal: controller.signal });
    expect(delivered).toEqual([]);
  });

  test.each<[string, AuditSource['verifyAccess']]>([
    ['has no verifyAccess', undefined],
    ['finds nothing wrong', async () => ({ ok: true })],
    ['cannot find out', async () => ({ ok: false, reason: 'unreachable', message: 'The connection failed.' })],
    ['has a verifyAccess that fails', () => Promise.reject(new Error('no list'))],
  ])('stays as it is if the source %s', async (_, verifyAccess) => {
    await expect(drain(refused(verifyAccess), { store: memoryCursorStore() })).rejects.toThrow(
      'PlanetScale returned 404.',
    );
  });
});

describe('a file system that refuses', () => {
  const refusing = (code: string) => {
    const inner = memoryCursorStore();
    const state = { isRefusing: true };
    const check = () => {
      const cause = Object.assign(new Error(`${code}: refused`), { code });
      if (state.isRefusing)
        throw new CursorStoreError('The store cannot be read.', { key: 'k', retryable: true, cause });
    };
    const checked = <Arguments extends readonly string[], Result>(method: (...args: Arguments) => Result) => {
      return (...args: Arguments): Result => {
        check();
        return method(...args);
      };
    };
    const store = { get: checked(inner.get), set: checked(inner.set) };
    return { store, state };
  };

  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'];

  test.each([...codes, 'ERR_ACCESS_DENIED', 'ERR_INVALID_ARG_VALUE'])(
    'with %s ends a poller that has not scanned yet, at once',
    async (code) => {
      const { store } = refusing(code);
      const ended = failure(collect(poller(sourceOf(fakeWith(3)), { store, onNotice: () => {} })));
      await vi.advanceTimersByTimeAsync(0);
      expect(await ended).toMatchObject({ name: 'CursorStoreError', message: 'The store cannot be read.' });
    },
  );

  test('with EACCES is retried by a poller that has completed a scan', async () => {
    const { store, state } = refusing('EACCES');
    state.isRefusing = false;
    const fake = fakeWith(3);
    const controller = new AbortController();
    const notices: PollNotice[] = [];
    const delivered: string[] = [];
    const ended = (async () => {
      const options = { store, startFrom: 'oldest', signal: controller.signal } as const;
      const onNotice = (notice: PollNotice) => void notices.push(notice);
      for await (const { id } of poller(sourceOf(fake), { ...options, onNotice })) delivered.push(id);
    })();
    await vi.advanceTimersByTimeAsync(minuteMs);
    state.isRefusing = true;
    fake.add({});
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(notices.filter(({ type }) => type === 'retrying').length).toBeGreaterThan(1);
    state.isRefusing = false;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    controller.abort();
    await ended;
    expect(delivered).toHaveLength(4);
  });
});

describe('without onNotice the poller', () => {
  const ioError = { key: 'k', retryable: true, cause: new Error('EIO: \ti/o') };

  test('warns at the first failure in a row, after 1, 5, 15 and 60 minutes, every hour after that, and on recovery', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const fake = fakeWith(3);
    const controller = new AbortController();
    const options = { store: memoryCursorStore(), startFrom: 'oldest', signal: controller.signal } as const;
    const ended = collect(poller(sourceOf(fake), options));
    await vi.advanceTimersByTimeAsync(minuteMs / 2);
    warn.mockClear();

    const failuresFromMs = Date.now();
    fake.failNext(...Array.from({ length: 5000 }, () => ({ status: 500 })));
    const warnedAtMinutes: number[] = [];
    warn.mockImplementation(() => void warnedAtMinutes.push((Date.now() - failuresFromMs) / minuteMs));
    await vi.advanceTimersByTimeAsync(170 * minuteMs);
    const [first = 0, ...reminders] = warnedAtMinutes.map((minutes) => minutes - (warnedAtMinutes[0] ?? 0));
    expect(first).toBe(0);
    const limits = [1, 5, 15, 60, 120];
    expect(reminders.length).toBe(limits.length);
    for (const [index, limit] of limits.entries()) {
      expect(reminders[index]).toBeGreaterThanOrEqual(limit);
      expect(reminders[index]).toBeLessThan(limit + 6); // The next attempt can be 5 minutes away.
    }
    expect(warn.mock.calls[0]?.[0]).toMatch(
      /^planetscale-audit: retrying \(attempt 1 failed, next in \d+ s\): answered 500/,
    );
    controller.abort();
    await ended;
  });

  test.each([
    ['once, if the message holds it', new CursorStoreError('The store failed (EIO: \ti/o).', ioError), ': The store'],
    ['of an error of a store of your own', ioError.cause, 'Cause: EIO'],
  ])('names the cause %s', async (_, thrown, expected) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const controller = new AbortController();
    const store = { get: () => Promise.reject(thrown), set: () => {} };
    const ended = collect(poller(sourceOf(fakeWith(3)), { store, signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    await ended;
    const [line = ''] = warn.mock.calls.map(([line]) => String(line));
    expect(line).toContain(expected);
    expect(line.match(/EIO/g)).toHaveLength(1);
  });

  test('says once that it has recovered', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const fake = fakeWith(3);
    fake.failNext({ status: 500 }, { status: 500 });
    const controller = new AbortController();
    const options = { store: memoryCursorStore(), startFrom: 'oldest', signal: controller.signal } as const;
    const ended = collect(poller(sourceOf(fake), options));
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    controller.abort();
    await ended;
    const lines = warn.mock.calls.map(([line]) => String(line).replace(/\d+ s/, 'n s'));
    expect(lines.filter((line) => line.includes('recovered'))).toEqual(['planetscale-audit: recovered after n s']);
  });
});
