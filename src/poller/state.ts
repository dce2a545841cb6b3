import * as z from 'zod';
import type { AuditAction, AuditEvent } from '../audit-log/event.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** What is kept of an event: enough to know it again, and how old it is. */
export type EventRef = readonly [id: string, createdAt: string];

/** An instant as a state has it; null for -Infinity. */
export const toIso = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
export const fromIso = (instant: string | null): number =>
  instant === null ? Number.NEGATIVE_INFINITY : Date.parse(instant);

export const refOf = (event: AuditEvent): EventRef => [event.id, event.created_at];

/** A date that cannot be read counts as that of the scan itself: such an event is never old. */
export const isBefore = ([, createdAt]: EventRef, thanMs: number): boolean =>
  (parseTimestamp(createdAt) ?? Number.POSITIVE_INFINITY) < thanMs;

export const maxAnchors = 10;
export const maxSeen = 10_000;

/** The anchors that an event and those below it make, all of which are settled. */
export const anchorsFrom = (newestFirst: readonly AuditEvent[]): EventRef[] =>
  newestFirst.slice(0, maxAnchors).map(refOf);

/** Which events a key is about. */
export interface CursorScope {
  readonly organization: string;
  /** Sorted, without doubles; null for all. */
  readonly actions: readonly AuditAction[] | null;
}

export const scopeOf = (organization: string, actions: readonly AuditAction[] | undefined): CursorScope => ({
  organization,
  actions: actions ? [...new Set(actions)].sort() : null,
});

/** What a poller knows between two scans. The text form of it is all that is ever stored. */
export interface PollState {
  readonly scope: CursorScope;
  /** Newest first. All that stands at or below the first of them in the list is settled; the others are for when it is deleted. */
  readonly anchors: readonly EventRef[];
  /** Done, and above the first anchor; oldest first. */
  readonly seen: readonly EventRef[];
  /** Nothing created before this instant is delivered, ISO 8601; null where there is no such instant. */
  readonly start: string | null;
  /**
   * What the scan that made this state had met and not passed yet, and what was not visible to it, was created at this instant or
   * later, if its time can be read, ISO 8601; null where it may be of any age.
   */
  readonly pendingSince: string | null;
  /** The server's time at the start of the last completed scan, ISO 8601. */
  readonly lastScanStartedAt: string;
}

/** Stores that parse what looks like JSON or a number leave text with this in front alone. */
const version = 'v1:';

const eventRefSchema = z.tuple([z.string(), z.string()]);
/** Not `z.iso.datetime()`, which knows no year beyond 9999: `startFrom` may. */
const instantSchema = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

const stateSchema = z.object({
  scope: z.object({ organization: z.string(), actions: z.array(z.string()).nullable() }),
  anchors: z.array(eventRefSchema).max(maxAnchors),
  seen: z.array(eventRefSchema).max(maxSeen),
  start: instantSchema.nullable(),
  pendingSince: instantSchema.nullable(),
  lastScanStartedAt: instantSchema,
  nonce: z.string(),
});

/** Two equal states have different texts, so that a compare-and-set by value cannot mistake one save for another. */
export function encodeState(state: PollState): string {
  return version + JSON.stringify({ ...state, nonce: crypto.randomUUID() });
}

export const isOfAnotherVersion = (text: string): boolean => /^v\d+:/.test(text) && !text.startsWith(version);

/** `undefined` for what {@link encodeState} did not write. */
export function decodeState(text: string): PollState | undefined {
  if (!text.startsWith(version)) return undefined;
  try {
    const { nonce, ...state } = stateSchema.parse(JSON.parse(text.slice(version.length)));
    return state;
  } catch {
    return undefined;
  }
}
