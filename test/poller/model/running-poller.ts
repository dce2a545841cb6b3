import {
  AuditApiError,
  type AuditCheckpoint,
  type AuditEvent,
  type AuditSource,
  CursorStoreError,
  type PollerOptions,
} from 'planetscale-audit';
import { faultySource } from './faulty-source.ts';
import { faultyStore } from './faulty-store.ts';
import { RunRecord } from './observation.ts';
import { ConsumerError } from './oracle.ts';
import { lookbackMs, type PollerRun, type TransactionOutcome } from './schedule.ts';
import { Transaction } from './transaction.ts';
import type { AwaitedOperation, TakeTurn } from './turn.ts';
import { key, type World, wantedAction } from './world.ts';

const intervalMs = 60_000;

/** The library's `poller`, or a mutant of it. */
export type MakePoller = (
  source: AuditSource,
  options: PollerOptions,
) => AsyncIterable<AuditEvent> & {
  batches?(): AsyncIterable<readonly AuditEvent[]>;
  checkpoints?(): AsyncIterable<AuditCheckpoint>;
};

/** A new promise each time: a single one would keep every crashed run in memory. */
const never = () => new Promise<never>(() => {});

/** One run of a poller, from its start to its end or its crash. */
export class RunningPoller {
  /** How far the run has come. */
  readonly record: RunRecord;
  /** The error that ended the run. */
  error: unknown;
  readonly #world: World;
  readonly #makePoller: MakePoller;
  readonly #run: PollerRun;
  readonly #controller = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  #hasEnded = false;
  #isStopping = false;
  #isAwaiting = false;

  constructor(world: World, makePoller: MakePoller, run: PollerRun) {
    this.record = new RunRecord(run);
    this.#world = world;
    this.#makePoller = makePoller;
    this.#run = run;
  }

  /** Resolves once the run has ended, with an error, a crash or neither. */
  async untilEnd(): Promise<void> {
    const { oracle } = this.#world;
    this.#consume().then(
      () => this.#finish(),
      (error: unknown) => {
        this.error = error;
        oracle.observe({ type: 'error', error, mayRetry: !this.#run.drain && !this.#isStopping });
        this.#finish();
      },
    );
    await this.#end.promise;
    oracle.observe({ type: 'end of run', run: this.record });
  }

  /** Aborts the poller's signal. */
  stop(): void {
    this.#isStopping = true;
    this.#controller.abort();
  }

  async #consume(): Promise<void> {
    const events = this.#start();
    const canCommit = this.#world.schedule.comparesAndSets; // checkpoints() refuses a store without compareAndSet.
    if (this.#run.by === 'checkpoint' && canCommit && events.checkpoints)
      await this.#consumeCheckpoints(events.checkpoints());
    else await this.#consumeBatches(this.#run.by === 'batch' && events.batches ? events.batches() : oneByOne(events));
  }

  async #consumeBatches(batches: AsyncIterable<readonly AuditEvent[]>): Promise<void> {
    const { oracle } = this.#world;
    for await (const events of batches) {
      for (const event of events) oracle.observe({ type: 'delivery', run: this.record, event });
      const next = await this.#takeTurn<'go on' | 'break'>({
        effect: () => 'go on',
        failure: () => new ConsumerError('the consumer fails'),
        onStop: () => 'break',
      });
      if (next === 'break') break;
      oracle.observe({ type: 'acknowledgement', run: this.record, events });
    }
  }

  async #consumeCheckpoints(checkpoints: AsyncIterable<AuditCheckpoint>): Promise<void> {
    const { oracle } = this.#world;
    const outcomes = [...this.#run.outcomes];
    for await (const { events, commitTo } of checkpoints) {
      for (const event of events) oracle.observe({ type: 'delivery', run: this.record, event });
      const transaction = new Transaction(this.#world, this.record, (operation) => this.#takeTurn(operation), events);
      const next = await this.#takeTurn<'go on' | 'break'>({
        effect: () => 'go on',
        failure: () => new ConsumerError('the consumer fails'),
        onStop: () => 'break',
      });
      if (next === 'break') break;
      try {
        await bringAbout(outcomes.shift() ?? 'commit', transaction, commitTo);
      } catch (error) {
        if (!this.#run.swallowsErrors) throw new ConsumerError('the transaction fails', { cause: error });
      }
      if (!transaction.isCommitted) oracle.observe({ type: 'rollback', run: this.record, events });
    }
  }

  #start(): ReturnType<MakePoller> {
    const { schedule, oracle } = this.#world;
    const takeTurn: TakeTurn = (operation) => this.#takeTurn(operation);
    return this.#makePoller(faultySource(this.#world, this.record, takeTurn), {
      store: faultyStore(this.#world, this.record, takeTurn),
      startFrom: this.#world.startFrom(),
      actions: schedule.isFiltered ? [wantedAction] : undefined,
      lookbackMs,
      intervalMs,
      drain: this.#run.drain,
      signal: this.#controller.signal,
      onNotice: (notice) => {
        oracle.observe({ type: 'notice', run: this.record, notice });
        return this.#takeTurn({ effect: () => {}, failure: () => new ConsumerError('the notice fails') });
      },
    });
  }

  async #takeTurn<Result>({ effect, failure, onStop }: AwaitedOperation<Result>): Promise<Result> {
    const { oracle, scheduler } = this.#world;
    oracle.observe({ type: 'await', isEarly: this.#isAwaiting, isAfterEnd: this.#hasEnded });
    this.#isAwaiting = true;
    if (scheduler) await scheduler.schedule(Promise.resolve());
    const fault = this.#world.takeTurn();
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
        this.record.hasBeenRefused = true;
        throw refusalInsteadOf(failure());
      case 'stop':
        this.#isStopping = true;
        if (onStop) return onStop();
        this.#controller.abort();
        return effect();
    }
  }

  #crash(): Promise<never> {
    this.#finish();
    return never();
  }

  #finish(): void {
    this.#hasEnded = true;
    this.#end.resolve();
  }
}

/** The error of the same operation that a retry does not overcome. */
const refusalInsteadOf = (failure: Error): Error => {
  if (failure instanceof ConsumerError) return failure;
  if (failure instanceof AuditApiError) return new AuditApiError('answered 403', { status: 403 });
  return new CursorStoreError('the store refuses', { key });
};

const bringAbout = async (
  outcome: TransactionOutcome,
  transaction: Transaction,
  commitTo: AuditCheckpoint['commitTo'],
): Promise<void> => {
  if (outcome === 'never commit') return;
  await commitTo(transaction.store);
  if (outcome === 'commit late') transaction.commitLate();
  else if (outcome !== 'roll back') await transaction.commit();
  if (outcome === 'lose the answer') throw new Error('the connection ended during the commit');
};

async function* oneByOne(events: AsyncIterable<AuditEvent>): AsyncGenerator<readonly AuditEvent[], void, undefined> {
  for await (const event of events) yield [event];
}
