import { knownAuditActions } from '../audit-log/actions.ts';
import type { AuditAction } from '../audit-log/event.ts';
import { CursorStoreError } from '../errors.ts';
import { nearest } from '../internal/nearest.ts';
import type { CursorStore } from '../stores/cursor-store.ts';
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
  const message = `startFrom is ${formatStart(choice)} and has no effect: the cursor under "${key}" exists since a first run from ${formatStart(state.startedFrom)}. To start elsewhere, give the poller another key.`;
  return [...notices, { type: 'start-ignored', message }];
}

const reported = new WeakMap<CursorStore, Set<string>>();

/** Whether this process has not reported the mistake yet. A job with `drain` makes a new poller for every run. */
export function isFirstReport(store: CursorStore, { message }: SetUpNotice): boolean {
  const messages = reported.get(store) ?? new Set();
  const isFirst = !messages.has(message);
  reported.set(store, messages.add(message));
  return isFirst;
}

export const firstRunMessage = (key: string, startFrom: FirstStart): string =>
  `The store holds no cursor under "${key}", so this is a first run. ${describeStart(startFrom)}. If this poller has run before, its store has lost the cursor: check that it is the same store. startFrom: 'resume' makes a missing cursor an error.`;

export const missingCursorError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The store holds no cursor under "${key}", and startFrom is 'resume'. Check that it is the same store as before (a volume that is not mounted looks empty), or choose where to start with startFrom.`,
    { key },
  );

const knownActions: readonly string[] = knownAuditActions;

const isKnownAction = (action: AuditAction): boolean => knownActions.includes(action);

const unknownActionMessage = (action: AuditAction): string => {
  const suggestion = nearest(action, knownActions);
  const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return `This version of planetscale-audit does not know the action ${action}.${hint} The poller requests it all the same.`;
};
