import type * as fc from 'fast-check';
import {
  AuditApiError,
  type AuditEvent,
  type AuditSource,
  type CursorStore,
  CursorStoreError,
  PlanetScaleAuditError,
  type PollerOptions,
  type StartFrom,
} from 'planetscale-audit';
import { vi } from 'vitest';
import { AuditLog } from './audit-log.ts';
import { type Asked, Oracle, RunRecord } from './oracle.ts';
import {
  dayMs,
  type Fault,
  type LogChange,
  lookbackMs,
  type PollerRun,
  type Schedule,
  type Step,
  withinContract,
} from './schedule.ts';

/** `poller`, or something that wants to be one. */
export type PollerLike = (
  source: AuditSource,
  options: PollerOptions,
) => AsyncIterable<AuditEvent> & { batches?(): AsyncIterable<readonly AuditEvent[]> };

export interface Trial {
  readonly makePoller: PollerLike;
  /** The promises that count. */
  readonly judged: RegExp;
}

export interface Outcome {
  readonly violations: readonly string[];
  /** The ids of what is still listed, each when it was delivered first. */
  readonly delivered: readonly string[];
}

// Half past a second: events lie on both sides of a floor that the Date header rounds to seconds.
const startMs = Date.parse('2026-11-04T00:00:00.500Z');
const wantedAction = 'database.created';
const otherAction = 'database.deleted';
const key = 'planetscale-audit:acme';
const intervalMs = 60_000;

/** More than any poller has to await in one schedule. */
const mostAwaits = 20_000;

/**
 * Runs a schedule to its end, in no real time, and tells which promises were broken. Needs faked timers (`setTimeout`,
 * `clearTimeout`, `Date`); with several pollers the scheduler decides whose turn it is at each await.
 */
export async function simulate(
  schedule: Schedule,
  scheduler: fc.Scheduler | undefined,
  { makePoller, judged }: Trial,
): Promise<Outcome> {
  vi.clearAllTimers();
  vi.setSystemTime(startMs);
  Math.random = randomFrom(schedule.randomSeed);
  const world = new World(schedule, scheduler, makePoller, judged);
  await world.run();
  const delivered = world.oracle.deliveredInOrder.filter((id) => world.log.isListed(id));
  return { violations: world.oracle.violations, delivered };
}

/** Mulberry32: the jitter of waits must be the same when a schedule is run again. */
const randomFrom = (seed: number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** When it resolves, nothing is left that could go on by itself. */
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));
/** A new one each time: one for all would hold on to every life that has ended so. */
const never = () => new Promise<never>(() => {});

const untilCaughtUp: PollerRun = { drain: true, by: 'batch', spoilt: undefined };

class World {
  readonly log: AuditLog;
  readonly oracle: Oracle;
  readonly stored = new Map<string, string>();
  readonly schedule: Schedule;
  readonly scheduler: fc.Scheduler | undefined;
  readonly makePoller: PollerLike;
  readonly asked: Asked;
  /** In the order in which they come, each with the number of the await it comes at. */
  readonly #incidents: { readonly at: number; readonly incident: Step }[] = [];
  #awaits = 0;
  readonly #lives = new Set<PollerLife>();

  constructor(schedule: Schedule, scheduler: fc.Scheduler | undefined, makePoller: PollerLike, judged: RegExp) {
    const { log, startFrom, isFiltered, incidents, pollers } = schedule;
    this.schedule = schedule;
    this.scheduler = scheduler;
    this.makePoller = makePoller;
    this.log = new AuditLog(log);
    this.asked = {
      action: isFiltered ? wantedAction : undefined,
      sinceMs:
        typeof startFrom === 'object' && 'sinceMs' in startFrom
          ? startMs + startFrom.sinceMs
          : Number.NEGATIVE_INFINITY,
      after: undefined,
    };
    this.oracle = new Oracle(this.log, this.asked, pollers === 1, judged);
    let at = 0;
    for (const [awaits, incident] of incidents) {
      at += awaits;
      this.#incidents.push({ at, incident });
    }
  }

  get hasFailed(): boolean {
    return this.oracle.violations.length > 0;
  }

  async run(): Promise<void> {
    const { before, lives, pollers } = this.schedule;
    for (const happening of before) this.#happen(happening);
    const workers = Array.from({ length: pollers }, async (_, worker) => {
      for (let life = 0; life < lives.length && (life === 0 || this.#incidents.length > 0); life++) {
        await this.#live(lives[(worker + life) % lives.length] ?? untilCaughtUp);
      }
    });
    await this.#until(Promise.all(workers));
    this.#incidents.length = 0;
    await this.#comeToRest();
  }

  /** I10: two scans without a fault reach a state in which a third one finds nothing to do. */
  async #comeToRest(): Promise<void> {
    await this.#liveAlone();
    await this.#liveAlone();
    if (this.hasFailed) return;
    this.oracle.settled();
    const delivered = this.oracle.deliveredInOrder.length;
    const stored = this.stored.get(key);
    await this.#liveAlone();
    if (this.oracle.deliveredInOrder.length > delivered) this.oracle.violated('I10: a third scan still delivers');
    if (this.stored.get(key) !== stored) this.oracle.violated('I10: a third scan still saves');
  }

  async #liveAlone(): Promise<void> {
    if (this.hasFailed) return;
    const pages = Math.ceil(this.log.listed().length / this.schedule.log.pageSize) || 1;
    const life = new PollerLife(this, untilCaughtUp);
    await this.#until(life.live());
    if (life.error !== undefined) this.oracle.violated(`I10: without a fault it ends with ${life.error}`);
    if (life.record.requests > 2 * pages + 2) {
      this.oracle.violated(`I9: ${life.record.requests} requests for ${pages} pages`);
    }
  }

  async #live(life: PollerRun): Promise<void> {
    const intact = this.stored.get(key);
    const isSpoilt = life.spoilt !== undefined && intact !== undefined && this.schedule.pollers === 1;
    if (isSpoilt) this.stored.set(key, life.spoilt);
    const lived = new PollerLife(this, life);
    this.#lives.add(lived);
    await lived.live();
    this.#lives.delete(lived);
    if (!isSpoilt) return;
    if (this.stored.get(key) !== life.spoilt) this.oracle.violated('I12: a spoilt state was written over');
    if (lived.hasDelivered) this.oracle.violated('I12: with a spoilt state it delivers');
    this.stored.set(key, intact);
  }

  /** Lets whoever is next go on, and the time pass where all wait for it. */
  async #until(end: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = end.finally(() => {
      isOver = true;
    });
    for (await quiet(); !isOver && !this.hasFailed; await quiet()) {
      if (this.scheduler && this.scheduler.count() > 0) await this.scheduler.waitOne();
      else if (this.#incidents.length === 0 && this.#lives.size > 0) for (const life of this.#lives) life.stop();
      else if (vi.getTimerCount() > 0) vi.advanceTimersToNextTimer();
      else this.oracle.violated('waits for ever');
    }
    if (isOver) await over;
  }

  /** Called at each await: what is due happens, and what is to go wrong with this one is told. */
  nextAwait(): Fault | undefined {
    if (++this.#awaits > mostAwaits) this.oracle.violated('I9: never stops asking');
    for (;;) {
      const due = this.#incidents[0];
      if (!due || due.at > this.#awaits) return undefined;
      this.#incidents.shift();
      if ('goesWrong' in due.incident) return due.incident.goesWrong;
      this.#happen(due.incident.happens);
    }
  }

  /** What would happen just before the next await happens now, in the middle of this one; no answer takes days. */
  hastenNext(): void {
    for (;;) {
      const next = this.#incidents[0];
      if (!next || next.at > this.#awaits + 1 || 'goesWrong' in next.incident) return;
      const { happens } = next.incident;
      if (happens.what === 'time' && happens.ms > lookbackMs) return;
      this.#incidents.shift();
      this.#happen(happens);
    }
  }

  #happen(happening: LogChange): void {
    switch (happening.what) {
      case 'events':
        for (let left = happening.count; left > 0; left--) {
          const lateMs = withinContract(happening.lateMs + (left - 1) * happening.spacingMs, this.schedule.log);
          this.log.add(happening.isWanted || left % 3 === 0 ? wantedAction : otherAction, lateMs);
        }
        return;
      case 'undated event':
        this.log.addUndated(wantedAction, withinContract(happening.lateMs, this.schedule.log));
        return;
      case 'backdated event':
        this.log.add(wantedAction, dayMs);
        return;
      case 'foredated event':
        this.log.add(wantedAction, -dayMs);
        return;
      case 'time': {
        vi.setSystemTime(Date.now() + happening.ms);
        const deleted = this.log.retain();
        if (this.stored.has(key)) this.oracle.retained(deleted);
        return;
      }
      case 'deletion': {
        const listed = this.log.listed();
        const from = { newest: 0, oldest: listed.length - happening.count, any: happening.at * listed.length };
        const first = Math.max(0, Math.floor(from[happening.of]));
        for (const { id } of listed.slice(first, first + happening.count)) this.log.delete(id);
      }
    }
  }

  /** What the poller is asked for, in its own words. */
  startFrom(): StartFrom {
    const { startFrom } = this.schedule;
    if (startFrom === 'newerThan') return this.#startNewerThan();
    if (typeof startFrom === 'object' && 'sinceMs' in startFrom) return { since: new Date(this.asked.sinceMs) };
    return startFrom;
  }

  /** An event in the middle of what is there, and another one if that has been deleted before the poller has met it. */
  #startNewerThan(): StartFrom {
    const { after, action } = this.asked;
    if (!this.stored.has(key) && (after === undefined || !this.log.isListed(after))) {
      const wanted = this.log.listed().filter(({ audit_action }) => action === undefined || audit_action === action);
      this.asked.after = wanted[Math.floor(wanted.length / 2)]?.id;
    }
    return this.asked.after === undefined ? 'oldest' : { newerThan: this.asked.after };
  }

  /** With how many of the newest events a poller begins, if that is how it begins, and it is about to learn where. */
  get beginsWith(): number | undefined {
    const { startFrom } = this.schedule;
    if (this.stored.has(key)) return undefined;
    if (startFrom === 'now') return 0;
    return typeof startFrom === 'object' && 'newest' in startFrom ? startFrom.newest : undefined;
  }
}

/** A failure of the consumer's, or of its notices'. */
class ConsumerError extends Error {}

/** A poller from its start to its end, which may be sudden. */
class PollerLife {
  readonly record: RunRecord;
  hasDelivered = false;
  error: unknown;
  readonly #world: World;
  readonly #life: PollerRun;
  readonly #controller = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  #isOver = false;
  #isStopping = false;
  #isAwaiting = false;

  constructor(world: World, life: PollerRun) {
    this.record = new RunRecord(life);
    this.#world = world;
    this.#life = life;
  }

  /** Resolves when the poller has ended, in whatever way. */
  async live(): Promise<void> {
    this.#consume().then(
      () => this.#over(),
      (error: unknown) => {
        this.error = error;
        this.#judge(error);
        this.#over();
      },
    );
    await this.#end.promise;
    this.#world.oracle.ended(this.record);
  }

  stop(): void {
    this.#isStopping = true;
    this.#controller.abort();
  }

  async #consume(): Promise<void> {
    const { oracle } = this.#world;
    for await (const events of this.#handovers()) {
      this.hasDelivered = true;
      for (const event of events) oracle.delivered(this.record, event);
      const next = await this.#await<'go on' | 'break'>(
        () => 'go on',
        () => new ConsumerError('the consumer fails'),
        () => 'break',
      );
      if (next === 'break') break;
      oracle.done(this.record, events);
    }
  }

  #handovers(): AsyncIterable<readonly AuditEvent[]> {
    const { schedule, makePoller } = this.#world;
    const events = makePoller(this.#source(), {
      store: this.#store(),
      startFrom: this.#world.startFrom(),
      actions: schedule.isFiltered ? [wantedAction] : undefined,
      lookbackMs,
      intervalMs,
      drain: this.#life.drain,
      signal: this.#controller.signal,
      onNotice: (notice) => {
        this.#world.oracle.noticed(this.record, notice);
        return this.#await(
          () => {},
          () => new ConsumerError('the notice fails'),
        );
      },
    });
    return this.#life.by === 'batch' && events.batches ? events.batches() : oneByOne(events);
  }

  #source(): AuditSource {
    const { log, oracle, schedule } = this.#world;
    return {
      organization: 'acme',
      page: (query = {}) => {
        oracle.requested(this.record);
        return this.#await(
          () => {
            const latest = this.#world.beginsWith;
            if (latest !== undefined && query.startingAfter === undefined) oracle.beginsWith(latest);
            else if (latest !== undefined) oracle.walksOn(latest);
            const page = log.page(query);
            if (schedule.log.answersSlowly) this.#world.hastenNext();
            return { ...page, servedAt: log.date() };
          },
          () => new AuditApiError('answered 503', { status: 503 }),
        );
      },
    };
  }

  #store(): CursorStore {
    const { stored, oracle, schedule } = this.#world;
    const save = (next: string) => {
      oracle.saved(this.record, next);
      stored.set(key, next);
      return true;
    };
    const lost = () => new Error('the store is away');
    return {
      get: () =>
        this.#await(() => {
          this.record.hasLoaded = true;
          return stored.get(key);
        }, lost),
      set: (_, value) => this.#await(() => save(value), lost),
      ...(schedule.comparesAndSets && {
        compareAndSet: (_: string, expected: string | null, next: string) =>
          this.#await(() => (stored.get(key) ?? null) === expected && save(next), lost),
      }),
    };
  }

  /** One await of the poller's: its turn comes, its effect happens, and it may go wrong before or after. */
  async #await<Result>(effect: () => Result, failure: () => Error, stopped: () => Result = effect): Promise<Result> {
    const { oracle, scheduler } = this.#world;
    if (this.#isOver) oracle.violated('I14: goes on after its end');
    if (this.#isAwaiting) oracle.violated('I13: does two things at a time');
    this.#isAwaiting = true;
    if (scheduler) await scheduler.schedule(Promise.resolve());
    const fault = this.#world.nextAwait();
    if (this.#world.hasFailed) return never();
    this.#isAwaiting = false;
    switch (fault) {
      case undefined:
        return effect();
      case 'crash before':
        return this.#crash();
      case 'crash after':
        effect();
        return this.#crash();
      case 'fail before':
        throw failure();
      case 'fail after':
        effect();
        throw failure();
      case 'refuse':
        throw refusal(failure());
      case 'stop':
        this.#isStopping = true;
        if (stopped === effect) this.#controller.abort();
        return stopped();
    }
  }

  #crash(): Promise<never> {
    this.#over();
    return never();
  }

  #over(): void {
    this.#isOver = true;
    this.#end.resolve();
  }

  /** Not every end is an allowed one. */
  #judge(error: unknown): void {
    const { oracle } = this.#world;
    if (error instanceof ConsumerError) return;
    if (!(error instanceof PlanetScaleAuditError)) oracle.violated(`ends with ${error}`);
    else if (error.retryable && !this.#life.drain && !this.#isStopping) {
      oracle.violated(`a poller that runs on ends with a retryable ${error}`);
    }
  }
}

const refusal = (failure: Error): Error => {
  if (failure instanceof ConsumerError) return failure;
  if (failure instanceof AuditApiError) return new AuditApiError('answered 403', { status: 403 });
  return new CursorStoreError('the store refuses', { key });
};

async function* oneByOne(events: AsyncIterable<AuditEvent>): AsyncGenerator<readonly AuditEvent[], void, undefined> {
  for await (const event of events) yield [event];
}
