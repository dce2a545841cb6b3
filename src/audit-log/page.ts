import * as z from 'zod';
import { type AuditIssue, AuditResponseError, type InvalidAuditEvent } from '../errors.ts';
import { formatIssues, toAuditIssues } from '../internal/issues.ts';
import { sliceElements } from '../internal/json-slices.ts';
import { type AuditAction, type AuditEvent, parseEvent } from './event.ts';

/**
 * One page of the audit log. The cursors and flags are the server's, from before `actions` and `onInvalidEvent` took events
 * out: `cursorEnd` need not be the id of the last event here.
 */
export interface AuditPage {
  /** Newest first; may be empty in the middle of the log. */
  readonly events: readonly AuditEvent[];
  /** Older events exist. The only sign of the log's end: a short or empty page is none. */
  readonly hasNext: boolean;
  /** Newer events exist. */
  readonly hasPrev: boolean;
  readonly cursorStart: string | null;
  /** What the next, older page starts after. Null on a page that is empty on the server. */
  readonly cursorEnd: string | null;
  /** The server's clock when it answered, to the second; undefined without a Date header. */
  readonly servedAt: Date | undefined;
}

/** Which page to ask for. */
export interface PageQuery {
  /** A page's `cursorEnd`: the events older than it. */
  readonly startingAfter?: string | undefined;
  /** Passed through. What PlanetScale makes of it is not documented in full: do not build on it. */
  readonly endingBefore?: string | undefined;
  /**
   * How many events at most, 1 to 100.
   *
   * @default 100
   */
  readonly limit?: number | undefined;
  /** Only these actions: asked of the server, and applied again on arrival. */
  readonly actions?: readonly AuditAction[] | undefined;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a poller needs from a client: the seam for tests and wrappers. What it throws and is not a
 * {@link PlanetScaleAuditError}, the poller throws on.
 */
export interface AuditSource {
  readonly organization: string;
  page(query?: PageQuery): Promise<AuditPage>;
}

/** Of the envelope only what paging cannot do without is required: the rest has come and gone over the years. */
const envelopeSchema = z.object({
  data: z.array(z.unknown()),
  has_next: z.boolean(),
  has_prev: z.boolean().catch(false),
  cursor_start: z.string().nullable().catch(null),
  cursor_end: z.string().nullable(),
});

/** A page as it was read, with the events that could not be. */
export interface ParsedPage {
  readonly page: AuditPage;
  readonly invalidEvents: readonly InvalidAuditEvent[];
}

/** @throws AuditResponseError where the envelope is not that of a list. */
export function parsePage(answer: {
  readonly text: string;
  readonly json: unknown;
  readonly servedAt: Date | undefined;
}): ParsedPage {
  const envelope = envelopeSchema.safeParse(answer.json);
  if (!envelope.success) throw notAListError(toAuditIssues(envelope.error));

  const { data, has_next, has_prev, cursor_start, cursor_end } = envelope.data;
  const texts = sliceElements(answer.text, 'data');
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
    `PlanetScale answered with JSON that is not a page of the audit log (${formatIssues(issues, 'answer')}). The API may have changed: look for a newer version of this library.`,
    { issues },
  );
