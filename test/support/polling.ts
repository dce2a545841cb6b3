import { type AuditSource, memoryCursorStore, type PollerOptions, type PollNotice, poller } from 'planetscale-audit';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { collect, type Served, serve } from './served.ts';

export const minuteMs = 60_000;
export const startMs = Date.parse('2026-11-01T00:00:00Z');

export const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

/** A served fake whose clock the test sets. */
export const serveAt = async (options: FakePlanetScaleOptions = {}) => {
  const clock = { ms: startMs + 24 * 60 * minuteMs };
  const served = await serve({ now: () => new Date(clock.ms), ...options });
  return { ...served, clock };
};

/** One run of a poller that ends once it has caught up. */
export const drain = (
  served: { client(): AuditSource },
  options: Partial<PollerOptions> & Pick<PollerOptions, 'store'>,
) => poller(served.client(), { drain: true, onNotice: async () => {}, ...options });

/** The ids that such a run gives, and what it tells. */
export const drainTold = async (
  served: Pick<Served, 'client'>,
  options: Omit<Parameters<typeof drain>[1], 'onNotice'>,
) => {
  const notices: PollNotice[] = [];
  const onNotice = (notice: PollNotice) => void notices.push(notice);
  const given = ids(await collect(drain(served, { ...options, onNotice })));
  return { given, notices };
};

/** A source for which something happens just before its n-th request, the first being 0. */
export const happeningAt = (source: AuditSource, request: number, happen: () => unknown): AuditSource => {
  let asked = 0;
  return {
    organization: source.organization,
    page: (query) => {
      if (asked++ === request) happen();
      return source.page(query);
    },
  };
};

/** A poller that runs on in the background, and what it has given so far. */
export const runOn = (source: AuditSource, options: Partial<PollerOptions> = {}) => {
  const controller = new AbortController();
  const notices: PollNotice[] = [];
  const given: string[] = [];
  const running = poller(source, {
    store: memoryCursorStore(),
    startFrom: 'oldest',
    signal: controller.signal,
    onNotice: (notice) => void notices.push(notice),
    ...options,
  });
  const ended = (async () => {
    for await (const { id } of running) given.push(id);
  })();
  ended.catch(() => {}); // Looked at by the test.
  return { running, controller, notices, given, ended };
};
