import {
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { onTestFinished, vi } from 'vitest';
import { decodeState, type PollState } from '../../src/poller/state.ts';
import { collect, serve } from './served.ts';

/** A minute in milliseconds. */
export const minuteMs = 60_000;
/** An hour in milliseconds. */
export const hourMs = 60 * minuteMs;
/** A day in milliseconds. */
export const dayMs = 24 * hourMs;
/** The time of the first of the `numbered` events. */
export const startMs = Date.parse('2026-11-01T00:00:00Z');

/** The key of a poller that is given none. */
export const defaultKey = 'planetscale-audit:acme';

/** The ids of events, in the same order. */
export const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

/** The `created_at` of an event. */
export const createdAt = (ms: number) => ({ created_at: new Date(ms).toISOString() });

/** The clock of a test, which stands still. PlanetScale and the poller share it. */
const testClock = {
  get ms() {
    return Date.now();
  },
  set ms(ms: number) {
    vi.setSystemTime(ms);
  },
};

/** A served fake whose clock the test sets. The clock starts a day after {@link startMs}. */
export const serveAt = async (options: FakePlanetScaleOptions = {}) => {
  if (!vi.isFakeTimers()) {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
  }
  testClock.ms = startMs + dayMs;
  const served = await serve({ now: () => new Date(), ...options });
  return { ...served, clock: testClock };
};

/** A poller that ends once it has caught up. */
export const drain = (
  served: { client(): AuditSource },
  options: Partial<PollerOptions> & Pick<PollerOptions, 'store'>,
) => poller(served.client(), { drain: true, onNotice: async () => {}, ...options });

/** Collects the notices of a poller, but for the one that every first run gives. */
export const noticeCollector = () => {
  const notices: PollNotice[] = [];
  const onNotice = (notice: PollNotice) => {
    if (notice.type !== 'first-run') notices.push(notice);
  };
  return { notices, onNotice };
};

/** The ids of the events that such a poller delivers, and its notices. */
export const drainWithNotices = async (
  served: { client(): AuditSource },
  options: Omit<Parameters<typeof drain>[1], 'onNotice'>,
) => {
  const { notices, onNotice } = noticeCollector();
  const delivered = ids(await collect(drain(served, { ...options, onNotice })));
  return { delivered, notices };
};

/** The state that a poller has saved under the default key. */
export const savedState = async (store: CursorStore): Promise<PollState | undefined> =>
  decodeState((await store.get(defaultKey)) ?? '');

/** A source that calls `change` just before its n-th request. The first request is 0. */
export const changingBefore = (request: number, source: AuditSource, change: () => unknown): AuditSource => {
  let requests = 0;
  return {
    organization: source.organization,
    page: (query) => {
      if (requests++ === request) change();
      return source.page(query);
    },
  };
};

/** Starts a poller that runs on in the background until the controller aborts it. */
export const pollInBackground = (source: AuditSource, options: Partial<PollerOptions> = {}) => {
  const controller = new AbortController();
  const { notices, onNotice } = noticeCollector();
  const delivered: string[] = [];
  const running = poller(source, {
    store: memoryCursorStore(),
    startFrom: 'oldest',
    signal: controller.signal,
    onNotice,
    ...options,
  });
  const ended = (async () => {
    for await (const { id } of running) delivered.push(id);
  })();
  ended.catch(() => {}); // The test awaits it; until then the rejection would be unhandled.
  return { running, controller, notices, delivered, ended };
};
