import { knownAuditActions } from '../audit-log/actions.ts';
import type { AuditAction } from '../audit-log/event.ts';
import { AuditConfigError, CursorStoreError } from '../errors.ts';
import { excerpt } from '../internal/excerpt.ts';
import { nearest } from '../internal/nearest.ts';
import {
  describeStart,
  type FirstStart,
  formatStart,
  isSameStart,
  type StartFrom,
  startChoiceOf,
} from './start-from.ts';
import type { PollState } from './state.ts';

export interface SetUp {
  readonly key: string;
  /** Undefined if the option was left out. */
  readonly startFrom: StartFrom | undefined;
  readonly actions: readonly AuditAction[] | undefined;
  readonly state: PollState | undefined;
}

interface SetUpNotice {
  readonly type: 'start-ignored' | 'unknown-action';
  readonly message: string;
}

/** Mistakes in the options that would otherwise show only as events that never come. */
export function setUpNotices({ key, startFrom, actions = [], state }: SetUp): SetUpNotice[] {
  const notices: SetUpNotice[] = actions
    .filter((action) => !isKnownAction(action))
    .map((action) => ({ type: 'unknown-action', message: unknownActionMessage(action) }) as const);
  if (!state || startFrom === undefined || startFrom === 'resume') return notices;
  const choice = startChoiceOf(startFrom);
  if (isSameStart(choice, state.startedFrom)) return notices;
  const message = `startFrom is ${formatStart(choice)} and has no effect: the cursor under "${excerpt(key)}" exists since a first run from ${formatStart(state.startedFrom)}. To start elsewhere, give the poller another key.`;
  return [...notices, { type: 'start-ignored', message }];
}

/** Far more than a process has. A process that makes up keys without end may report a subject again. */
const maxReported = 10_000;

const reported = new Set<string>();

/**
 * Returns whether this process has not reported the subject for the key yet. A job with `drain` makes a new poller for every run, and
 * often a new store as well.
 */
export function isFirstReport(key: string, subject: string): boolean {
  const report = JSON.stringify([key, subject]);
  if (reported.has(report)) return false;
  if (reported.size === maxReported) reported.clear();
  reported.add(report);
  return true;
}

/**
 * Checks `startFrom` before a first run.
 *
 * @throws CursorStoreError if the poller may only resume
 * @throws AuditConfigError if `since` lies in the future
 */
export function checkStart(key: string, startFrom: StartFrom | undefined): void {
  if (startFrom === 'resume') throw missingCursorError(key);
  if (typeof startFrom !== 'object' || !('since' in startFrom) || startFrom.since.getTime() <= Date.now()) return;
  throw new AuditConfigError(
    `The poller cannot start at a time in the future (startFrom.since: ${startFrom.since.toISOString()}; this machine's clock: ${new Date().toISOString()}). Pass an earlier date, or start from 'now'.`,
  );
}

export const firstRunMessage = (key: string, startFrom: FirstStart): string =>
  `The store holds no cursor under "${excerpt(key)}", so this is a first run. ${describeStart(startFrom)}. If this poller has run before, its store has lost the cursor: check that it is the same store. startFrom: 'resume' makes a missing cursor an error.`;

const missingCursorError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The store holds no cursor under "${excerpt(key)}", and startFrom is 'resume'. Check that it is the same store as before (a volume that is not mounted looks empty), or choose where to start with startFrom.`,
    { key },
  );

const knownActions: readonly string[] = knownAuditActions;

const isKnownAction = (action: AuditAction): boolean => knownActions.includes(action);

const unknownActionMessage = (action: AuditAction): string => {
  const suggestion = nearest(action, knownActions);
  const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return `This version of planetscale-audit does not know the action ${excerpt(action)}.${hint} The poller requests it all the same.`;
};
