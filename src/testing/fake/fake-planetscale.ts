import type { AuditEvent } from '../../audit-log/event.ts';
import { AuditConfigError } from '../../errors.ts';
import { checkKeys } from '../../internal/known-keys.ts';
import { parseTimestamp } from '../../internal/timestamp.ts';
import { answerRequest } from './api.ts';
import { EventList } from './event-list.ts';
import { type FakeFailure, simulateFailure } from './failures.ts';
import { type FakePlanetScaleOptions, optionKeys, type ResolvedOptions, resolveOptions } from './options.ts';
import { createSampleEvent } from './sample-event.ts';

/** A PlanetScale in memory, made by {@link fakePlanetScale}. */
export interface FakePlanetScale {
  /**
   * Answers requests as PlanetScale does, for any host and base path, and follows no redirect. Pass this function to the client as
   * its `fetch`. {@link listen} serves the fake to code that accepts no `fetch`.
   */
  readonly fetch: typeof globalThis.fetch;

  /**
   * Adds events, newest last, and returns the events as the fake serves them. The fake invents fields that are missing or
   * `undefined`, and serves `null`, unknown fields and values of the wrong type as given. `updated_at` follows `created_at`, `action` follows
   * `audit_action`, and an event has no `type`, as in today's API. {@link FakePlanetScale.failNext} can serve an event that lacks a
   * field, and JSON of another shape.
   *
   * @throws `AuditConfigError` if an event has the id of another. The events before it stay added.
   */
  add(...events: Partial<AuditEvent>[]): readonly AuditEvent[];

  /** Removes an event, as retention does, and returns whether the list had the event. The id becomes an unknown cursor. */
  remove(id: string): boolean;

  /** Queues outcomes for the next requests, one for each request, whatever the request asks for. A success is allowed too. */
  failNext(...answers: FakeFailure[]): void;

  /** Every request so far, including those that failed. The array grows with each request. */
  readonly requests: readonly {
    /** The full URL with its query. */
    readonly url: string;
    /** The time of the request, in milliseconds since 1970. */
    readonly at: number;
  }[];
}

/**
 * Returns a PlanetScale in memory that serves the audit log and the list of organizations under any base path. The fake
 * needs no network and is as fast with a million events as with ten.
 *
 * The fake accepts only the credential in its options. Like PlanetScale, the audit log answers the same 404 to a wrong token, a
 * wrong organization and a missing permission. `GET /organizations` answers 401 to a wrong token. Other paths are a 404 and other
 * methods a 405.
 *
 * @throws `AuditConfigError` if `pageSize` is not a whole number of at least 1, or if two events have the same id.
 *
 * @example
 * ```ts
 * import { fakePlanetScale } from 'planetscale-audit/testing';
 *
 * const fake = fakePlanetScale({ serviceTokenId: 'myid', serviceToken: 'mytoken' });
 * fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
 *
 * const response = await fake.fetch('https://api.planetscale.com/v1/organizations/acme/audit-log?limit=1', {
 *   headers: { authorization: 'myid:mytoken' },
 * });
 * const page = await response.json();
 * console.log(page.data[0].audit_action, page.has_next); // database.deleted true
 * ```
 */
export function fakePlanetScale(options: FakePlanetScaleOptions = {}): FakePlanetScale {
  checkKeys('fakePlanetScale', optionKeys, options);
  const resolved = resolveOptions(options);
  const list = new EventList();
  const failures: FakeFailure[] = [];
  const requests: { readonly url: string; readonly at: number }[] = [];

  const fetch: typeof globalThis.fetch = async (input, init) => {
    // `new Request(input, init)` would leave a listener on the caller's signal.
    const request = input instanceof Request ? input : undefined;
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? request?.method ?? 'GET';
    const headers = new Headers(init?.headers ?? request?.headers);
    const signal = init?.signal ?? request?.signal;

    signal?.throwIfAborted();
    requests.push({ url: url.href, at: Date.now() });
    const failure = failures.shift();
    const answer = () => answerRequest({ method, url, headers }, resolved, list);
    const response = failure ? await simulateFailure(failure, answer, signal) : answer();
    if (!response.headers.has('date')) response.headers.set('date', resolved.now().toUTCString());
    return response;
  };

  for (const event of resolved.events) addEvent(list, event, resolved);

  return {
    fetch,
    add: (...events) => events.map((event) => addEvent(list, event, resolved)),
    remove: (id) => list.remove(id),
    failNext: (...answers) => void failures.push(...answers),
    requests,
  };
}

const addEvent = (list: EventList, given: Partial<AuditEvent>, { now, order }: ResolvedOptions): AuditEvent => {
  const time = now();
  const event = createSampleEvent(given, time, list.added);
  // Tests of a client's validation add several events without an id.
  if (event.id && list.find(event.id)) {
    throw new AuditConfigError(
      `fakePlanetScale has an event with the id "${event.id}" already. Give each event a different id.`,
    );
  }
  list.add(event, order === 'added' ? 0 : (parseTimestamp(event.created_at) ?? time.getTime()));
  return event;
};
