import * as z from 'zod';
import type { AuditAction, AuditEvent } from '../audit-log/event.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** What the poller remembers of an event: its id, to recognize it, and `created_at`, to know its age. */
export type EventRef = readonly [id: string, createdAt: string];

export const refOf = ({ id, created_at }: AuditEvent): EventRef => [id, created_at];

/** Returns false for an unreadable `created_at`. The poller therefore never treats such an event as old. */
export const isBefore = ([, createdAt]: EventRef, ms: number): boolean =>
  (parseTimestamp(createdAt) ?? Number.POSITIVE_INFINITY) < ms;

/** A state writes a time as ISO 8601, and -Infinity as null. */
export const toIso = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
export const fromIso = (iso: string | null): number => (iso === null ? Number.NEGATIVE_INFINITY : Date.parse(iso));

export const maxAnchors = 10;
export const maxSeen = 10_000;

/** The anchors for a position in the list: the event there, and those below it in case it is deleted. */
export const anchorsFrom = (newestFirst: readonly AuditEvent[]): EventRef[] =>
  newestFirst.slice(0, maxAnchors).map(refOf);

/** The events that a key stands for. */
export interface CursorScope {
  readonly organization: string;
  /** Sorted and without duplicates; null for all actions. */
  readonly actions: readonly AuditAction[] | null;
}

export const scopeOf = (organization: string, actions: readonly AuditAction[] | undefined): CursorScope => ({
  organization,
  actions: actions ? [...new Set(actions)].sort() : null,
});

/** How the first run started; `count` is that of `{ newest: count }`. */
export interface StartChoice {
  readonly kind: 'oldest' | 'now' | 'newest' | 'since' | 'newerThan';
  readonly count?: number | undefined;
}

/** Everything that a poller knows between two scans. The store holds its text form, and nothing else. */
export interface PollState {
  readonly scope: CursorScope;
  readonly startedFrom: StartChoice;
  /** Newest first. Every event at or below the first anchor is final. The others serve if the first is deleted. */
  readonly anchors: readonly EventRef[];
  /** Events above the first anchor that need no delivery, oldest first: acknowledged ones, and those that a first run left out. */
  readonly seen: readonly EventRef[];
  /** The poller delivers no event that was created before this time, ISO 8601; null if there is no such limit. */
  readonly start: string | null;
  /**
   * No pending event was created before this time, ISO 8601. Events with unreadable times do not count. Null if a pending event
   * can have any age.
   */
  readonly pendingSince: string | null;
  /** PlanetScale's time at the start of the last completed scan, ISO 8601. */
  readonly lastScanStartedAt: string;
}

/** A store that parses JSON or numbers leaves a text with this prefix alone. */
const versionPrefix = 'v1:';

const eventRefSchema = z.tuple([z.string(), z.string()]);
/** `z.iso.datetime()` accepts no year after 9999; `startFrom` does. */
const instantSchema = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

const stateSchema = z.object({
  scope: z.object({ organization: z.string(), actions: z.array(z.string()).nullable() }),
  startedFrom: z.object({
    kind: z.enum(['oldest', 'now', 'newest', 'since', 'newerThan']),
    count: z.int().min(0).optional(),
  }),
  anchors: z.array(eventRefSchema).max(maxAnchors),
  seen: z.array(eventRefSchema).max(maxSeen),
  start: instantSchema.nullable(),
  pendingSince: instantSchema.nullable(),
  lastScanStartedAt: instantSchema,
  nonce: z.string(),
});

/** The nonce makes equal states differ, so that a compare-and-set by value never takes one save for another. */
export function encodeState(state: PollState): string {
  return versionPrefix + JSON.stringify({ ...state, nonce: crypto.randomUUID() });
}

export const isOfAnotherVersion = (text: string): boolean => /^v\d+:/.test(text) && !text.startsWith(versionPrefix);

/** `undefined` for a text that {@link encodeState} did not write. */
export function decodeState(text: string): PollState | undefined {
  if (!text.startsWith(versionPrefix)) return undefined;
  try {
    const { nonce, ...state } = stateSchema.parse(JSON.parse(text.slice(versionPrefix.length)));
    return state;
  } catch {
    return undefined;
  }
}
