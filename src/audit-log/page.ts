import * as z from 'zod/mini';
import { type AuditIssue, AuditResponseError, type InvalidAuditEvent } from '../errors.ts';
import { english } from '../internal/english.ts';
import { formatIssues, toAuditIssues } from '../internal/issues.ts';
import { sliceElements } from '../internal/json-slices.ts';
import { listSchema } from '../internal/list-schema.ts';
import { withFallback } from '../internal/with-fallback.ts';
import type { AccessReport } from './access-report.ts';
import { type AuditAction, type AuditEvent, maxIdLength, parseEvent } from './event.ts';

/**
 * One page of the audit log. `actions` and `onInvalidEvent` remove events from a page, but do not change its cursors and flags.
 * `cursorEnd` may therefore be the id of an event that is not in `events`.
 */
export interface AuditPage {
  /** The events, newest first. A page in the middle of the log may be empty. */
  readonly events: readonly AuditEvent[];
  /**
   * Every event that PlanetScale sent, newest first, if it ignored `actions` and sent more than `events`. A poller learns from them
   * how far it has read.
   */
  readonly received?: readonly Pick<AuditEvent, 'id' | 'created_at'>[] | undefined;
  /** Whether older events exist. Only false marks the end of the log; a short or empty page does not. */
  readonly hasNext: boolean;
  /** Whether newer events exist, or false if the server does not say. */
  readonly hasPrev: boolean;
  /** The id of the first event on the server's page, null if that page is empty or the server does not say. */
  readonly cursorStart: string | null;
  /** The `startingAfter` of the next, older page, null if the server's page is empty. */
  readonly cursorEnd: string | null;
  /** The server's clock at the time of the response, to the second. Undefined if the response has no `Date` header. */
  readonly servedAt: Date | undefined;
}

/** Selects one page of the audit log. A query without a cursor selects the newest page. */
export interface PageQuery {
  /** A page's `cursorEnd`, or an event's id. The page holds the events older than that event. */
  readonly startingAfter?: string | undefined;
  /** The `ending_before` of the request, sent as given. PlanetScale does not document it in full, so do not rely on it. */
  readonly endingBefore?: string | undefined;
  /**
   * The maximum number of events, from 1 to 100.
   *
   * @default 100
   */
  readonly limit?: number | undefined;
  /** Keeps only events with one of these actions. PlanetScale filters the list, and the client filters the response again. */
  readonly actions?: readonly AuditAction[] | undefined;
  /** Cancels the request. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The part of a client that a poller uses. Implement it to wrap a client, or to test without one. The poller passes on any
 * error that is not a {@link PlanetScaleAuditError}.
 */
export interface AuditSource {
  /** The organization's name, which is part of the poller's default key. */
  readonly organization: string;
  /** Fetches one page, as {@link PlanetScaleAuditClient.page} does. */
  page(query?: PageQuery): Promise<AuditPage>;
  /** Called by a poller whose first request is refused with 404, so that its error names the cause. */
  verifyAccess?(options?: { readonly signal?: AbortSignal | undefined }): Promise<AccessReport>;
}

const cursorSchema = /* @__PURE__ */ (() => z.nullable(z.string().check(z.minLength(1), z.maxLength(maxIdLength))))();

/** Only the fields that pagination needs are required, because PlanetScale has changed the others over the years. */
const envelopeSchema = /* @__PURE__ */ (() =>
  z.object({
    data: listSchema,
    has_next: z.boolean(),
    has_prev: withFallback(z.boolean(), false),
    cursor_start: withFallback(cursorSchema, null), // No request depends on it.
    cursor_end: cursorSchema,
  }))();

/** A page, and the events of it that cannot be read. */
export interface ParsedPage {
  readonly page: AuditPage;
  readonly invalidEvents: readonly InvalidAuditEvent[];
}

/**
 * Returns the page of a response, without the events that cannot be read.
 *
 * @throws AuditResponseError if the response is not a page
 */
export function parsePage(answer: {
  readonly text: string;
  readonly json: unknown;
  readonly servedAt: Date | undefined;
}): ParsedPage {
  const envelope = envelopeSchema.safeParse(answer.json, english);
  if (!envelope.success) throw notAListError(toAuditIssues(envelope.error));

  const { data, has_next, has_prev, cursor_start, cursor_end } = envelope.data;
  const texts = sliceElements(answer.text, 'data', data);
  const events: AuditEvent[] = [];
  const invalidEvents: InvalidAuditEvent[] = [];
  data.forEach((parsed, index) => {
    const text = texts[index] ?? '';
    const read = parseEvent(parsed, text);
    if ('event' in read) events.push(read.event);
    else invalidEvents.push({ ...read, rawJson: text });
  });
  return {
    page: {
      events,
      hasNext: has_next,
      hasPrev: has_prev,
      cursorStart: cursor_start,
      cursorEnd: cursor_end,
      servedAt: answer.servedAt,
    },
    invalidEvents,
  };
}

const notAListError = (issues: readonly AuditIssue[]): AuditResponseError =>
  new AuditResponseError(
    `PlanetScale answered with JSON that is not a page of the audit log (${formatIssues(issues, 'response')}). The API may have changed. Look for a newer version of planetscale-audit.`,
    { issues },
  );
