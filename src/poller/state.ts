import * as z from 'zod/mini';
import type { AuditAction } from '../audit-log/event.ts';
import type { EventRef } from './listed-event.ts';

/** A state writes a time as ISO 8601, and -Infinity as null. */
export const toIso = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
export const fromIso = (iso: string | null): number => (iso === null ? Number.NEGATIVE_INFINITY : Date.parse(iso));

export const maxAnchors = 10;
export const maxSeen = 10_000;

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

/**
 * What a list without anchors says, if it does not allow a new start.
 * - `without-anchors`: the list reaches below everything pending, and has no anchor
 * - `too-short`: events are missing that PlanetScale should still have
 * - `unclear`: retention may have taken what is missing, or the list may be cut
 */
export type DoubtfulListEnd = (typeof doubtfulListEnds)[number];
const doubtfulListEnds = ['without-anchors', 'too-short', 'unclear'] as const;

export interface MissingAnchors {
  /** PlanetScale's time at the start of the first scan in a row without anchors, ISO 8601. */
  readonly since: string;
  /** What the last list said. */
  readonly listEnd: DoubtfulListEnd;
}

/** Everything that a poller knows between two scans. The store holds its text form, and nothing else. */
export interface PollState {
  readonly scope: CursorScope;
  readonly startedFrom: StartChoice;
  /** Newest first. Every event at or below the first anchor is final. The others serve if the first is deleted. */
  readonly anchors: readonly EventRef[];
  /**
   * Events that need no delivery although they may be listed above the first anchor, oldest first: acknowledged ones, and those that
   * a first run left out. Events of the same instant as an anchor belong to them, because PlanetScale may list equal times in any
   * order.
   */
  readonly seen: readonly EventRef[];
  /** The poller delivers no event that was created before this time, ISO 8601; null if there is no such limit. */
  readonly start: string | null;
  /**
   * No pending event was created before this time, ISO 8601. Events with unreadable times do not count. Null if a pending event
   * can have any age.
   */
  readonly pendingSince: string | null;
  /** The earliest readable `created_at` of the pending events that the poller has read, ISO 8601; null if there are none. */
  readonly oldestPendingAt: string | null;
  /**
   * The latest `created_at` of the final events that the state no longer has, ISO 8601; null if there are none. An event that was
   * created later, and that the state does not have, is new.
   */
  readonly forgottenUntil: string | null;
  /** What the last scan found in place of the anchors; null if it met one, missed nothing, or made a new start. */
  readonly missingAnchors: MissingAnchors | null;
  /** PlanetScale's time at the start of the last completed scan, ISO 8601. */
  readonly lastScanStartedAt: string;
}

/** A store that parses JSON or numbers leaves a text with this prefix alone. */
const versionPrefix = 'v1:';

const eventRefSchema = /* @__PURE__ */ (() => z.tuple([z.string(), z.string()]))();
/** `z.iso.datetime()` accepts no year after 9999; `startFrom` does. */
const instantSchema = /* @__PURE__ */ (() => z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)))))();

const stateSchema = /* @__PURE__ */ (() =>
  z.object({
    scope: z.object({ organization: z.string(), actions: z.nullable(z.array(z.string())) }),
    startedFrom: z.object({
      kind: z.enum(['oldest', 'now', 'newest', 'since', 'newerThan']),
      count: z.optional(z.int().check(z.minimum(0))),
    }),
    anchors: z.array(eventRefSchema).check(z.maxLength(maxAnchors)),
    seen: z.array(eventRefSchema).check(z.maxLength(maxSeen)),
    start: z.nullable(instantSchema),
    pendingSince: z.nullable(instantSchema),
    oldestPendingAt: z.nullable(instantSchema),
    forgottenUntil: z.nullable(instantSchema),
    missingAnchors: z.nullable(z.object({ since: instantSchema, listEnd: z.enum(doubtfulListEnds) })),
    lastScanStartedAt: instantSchema,
    nonce: z.string(),
  }))();

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
