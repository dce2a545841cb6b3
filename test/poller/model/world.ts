import type * as fc from 'fast-check';
import type { StartFrom } from 'planetscale-audit';
import { vi } from 'vitest';
import { AuditLog } from './audit-log.ts';
import type { WantedEvents } from './ledger.ts';
import { Oracle } from './oracle.ts';
import {
  dayMs,
  type Fault,
  hasWrongClocks,
  type LogChange,
  lookbackMs,
  type Schedule,
  type Step,
  toleratedLatenessMs,
} from './schedule.ts';

// The half second puts events on both sides of a watermark that the Date header rounds to seconds.
const startMs = Date.parse('2026-11-04T00:00:00.500Z');
/** The action that a filtered poller asks for. */
export const wantedAction = 'database.created';
const otherAction = 'database.deleted';
/** The key that all pollers of a simulation share. */
export const key = 'planetscale-audit:acme';

/** The surroundings that the pollers of one simulation share: the audit log, the store, the time and the steps of the schedule. */
export class World {
  /** The schedule of this simulation. */
  readonly schedule: Schedule;
  /** Decides which of several pollers takes its turn. */
  readonly scheduler: fc.Scheduler | undefined;
  /** The simulated PlanetScale. */
  readonly log: AuditLog;
  /** The judge of all pollers of this simulation. */
  readonly oracle: Oracle;
  /** The content of the store. */
  readonly stored = new Map<string, string>();
  readonly #wanted: WantedEvents;
  /** The steps that are still to come, each with the number of its turn. */
  readonly #steps: { readonly atTurn: number; readonly step: Step }[] = [];
  /** A clock that seems to be years ahead would make every event too old to be missed in a short list. */
  readonly #hasWrongClocks: boolean;
  #turns = 0;
  #lateCommit: (() => void) | undefined;

  /** @param judged the violations that count */
  constructor(schedule: Schedule, scheduler: fc.Scheduler | undefined, judged: RegExp) {
    vi.setSystemTime(startMs);
    const { log, startFrom, isFiltered, steps, pollers } = schedule;
    this.schedule = schedule;
    this.scheduler = scheduler;
    this.log = new AuditLog(log);
    this.#hasWrongClocks = hasWrongClocks(schedule);
    // No poller starts at a date in the future.
    const beforeFirstRunMs = schedule.initialChanges.reduce(
      (ms, change) => ms + (change.type === 'time' ? change.ms : 0),
      0,
    );
    const hasSince = typeof startFrom === 'object' && 'sinceMs' in startFrom;
    this.#wanted = {
      action: isFiltered ? wantedAction : undefined,
      sinceMs: hasSince ? startMs + Math.min(startFrom.sinceMs, beforeFirstRunMs) : Number.NEGATIVE_INFINITY,
      newerThan: undefined,
    };
    this.oracle = new Oracle(this.log, this.#wanted, pollers === 1, judged);
    let atTurn = 0;
    for (const [awaits, step] of steps) {
      atTurn += awaits;
      this.#steps.push({ atTurn, step });
    }
    for (const change of schedule.initialChanges) this.#apply(change);
    if (Date.now() < this.#wanted.sinceMs) vi.setSystemTime(this.#wanted.sinceMs); // A poller refuses a start in the future.
  }

  /** Whether the oracle has seen a violation. */
  get hasFailed(): boolean {
    return this.oracle.violations.length > 0;
  }

  /** Whether any step of the schedule is still to come. */
  get hasSteps(): boolean {
    return this.#steps.length > 0;
  }

  /** Remembers a transaction of which only the server knows that it will be committed. */
  commitLate(commit: () => void): void {
    this.#lateCommit = commit;
  }

  /** Commits such a transaction. Its lock on the row comes before every other write of the cursor. */
  finishLateCommit(): void {
    const commit = this.#lateCommit;
    this.#lateCommit = undefined;
    commit?.();
  }

  /** Drops the steps that are still to come, and ends what they have left behind. */
  dropSteps(): void {
    this.finishLateCommit();
    this.#steps.length = 0;
    this.log.endShortList();
    this.log.endWrongDates();
  }

  /** Starts the turn of an await: applies the changes that are due, up to the fault of this await if it has one. */
  takeTurn(): Fault | undefined {
    this.oracle.observe({ type: 'turn', count: ++this.#turns });
    for (;;) {
      const due = this.#steps[0];
      if (!due || due.atTurn > this.#turns) return undefined;
      this.#steps.shift();
      if ('fault' in due.step) return due.step.fault;
      this.#apply(due.step.change);
    }
  }

  /** Applies the changes of the next turn now, in the middle of this one. A longer time must wait: no answer takes days. */
  takeNextChangesEarly(): void {
    for (;;) {
      const next = this.#steps[0];
      if (!next || next.atTurn > this.#turns + 1 || 'fault' in next.step) return;
      const { change } = next.step;
      if (change.type === 'time' && change.ms > lookbackMs) return;
      this.#steps.shift();
      this.#apply(change);
    }
  }

  #apply(change: LogChange): void {
    switch (change.type) {
      case 'events':
        for (let left = change.count; left > 0; left--) {
          const lateMs = toleratedLatenessMs(change.lateMs + (left - 1) * change.spacingMs, this.schedule);
          this.log.add(change.isWanted || left % 3 === 0 ? wantedAction : otherAction, lateMs);
        }
        return;
      case 'undated event':
        this.log.addUndated(wantedAction, toleratedLatenessMs(change.lateMs, this.schedule));
        return;
      case 'backdated event':
        this.log.add(wantedAction, dayMs);
        return;
      case 'import':
        if (!this.#canImport) return;
        for (let left = change.count; left > 0; left--) this.log.import(wantedAction, change.ageMs + left * 1000);
        return;
      case 'postdated event':
        this.log.add(wantedAction, -dayMs);
        return;
      case 'short list':
        if (this.oracle.ledger.hasFreshState && !this.#hasWrongClocks) {
          this.log.shorten(change.shown, change.answers, change.ms, (id) => this.oracle.ledger.misses(id));
        }
        return;
      case 'wrong clock':
        this.log.misdate(change.offsetMs, change.answers);
        return;
      case 'time': {
        vi.setSystemTime(Date.now() + change.ms);
        const deleted = this.log.applyRetention();
        if (this.stored.has(key)) this.oracle.observe({ type: 'retention', deleted });
        return;
      }
      case 'deletion': {
        const listed = this.log.listed();
        const from = { newest: 0, oldest: listed.length - change.count, any: change.at * listed.length };
        const first = Math.max(0, Math.floor(from[change.of]));
        for (const { id } of listed.slice(first, first + change.count)) this.log.delete(id);
      }
    }
  }

  /** A first run with `{ since }` may end at a hundred older events, as docs/internals/polling.md says. */
  get #canImport(): boolean {
    return this.stored.has(key) || !Number.isFinite(this.#wanted.sinceMs);
  }

  /** The option `startFrom` of a poller that starts now. */
  startFrom(): StartFrom {
    const { startFrom } = this.schedule;
    if (startFrom === 'newerThan') return this.#startNewerThan();
    if (typeof startFrom === 'object' && 'sinceMs' in startFrom) return { since: new Date(this.#wanted.sinceMs) };
    return startFrom;
  }

  /** Takes an event in mid-list, and another one if that event was deleted before the poller saved its first state. */
  #startNewerThan(): StartFrom {
    const { newerThan, action } = this.#wanted;
    if (!this.stored.has(key) && (newerThan === undefined || !this.log.isListed(newerThan))) {
      const wanted = this.log.listed().filter(({ audit_action }) => action === undefined || audit_action === action);
      this.#wanted.newerThan = wanted[Math.floor(wanted.length / 2)]?.id;
    }
    return this.#wanted.newerThan === undefined ? 'oldest' : { newerThan: this.#wanted.newerThan };
  }

  /** With how many of the newest events a first run starts; undefined after the first save, and for other starts. */
  get newestAtStart(): number | undefined {
    const { startFrom } = this.schedule;
    if (this.stored.has(key)) return undefined;
    if (startFrom === 'now') return 0;
    return typeof startFrom === 'object' && 'newest' in startFrom ? startFrom.newest : undefined;
  }
}
