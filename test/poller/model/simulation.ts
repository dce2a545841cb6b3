import type * as fc from 'fast-check';
import { vi } from 'vitest';
import { mulberry32 } from './random.ts';
import { type MakePoller, RunningPoller } from './running-poller.ts';
import { lookbackMs, type PollerRun, type Schedule } from './schedule.ts';
import { key, World } from './world.ts';

/** The poller of a simulation, and the promises by which the oracle judges it. */
export interface Trial {
  /** Makes the poller: the library's own, unless the trial is about a mutant. */
  readonly makePoller: MakePoller;
  /** The violations that count have a message that matches. */
  readonly judged: RegExp;
}

/** The result of a simulation. */
export interface Outcome {
  /** A message for each broken promise. */
  readonly violations: readonly string[];
  /** The ids of the delivered events that are still listed, in the order of their first delivery. */
  readonly delivered: readonly string[];
}

/**
 * Runs a schedule to its end without any real time, and returns the promises that were broken. The simulation needs faked timers
 * (`setTimeout`, `clearTimeout`, `Date`). With several pollers the scheduler decides whose turn it is at each await.
 */
export async function simulate(
  schedule: Schedule,
  scheduler: fc.Scheduler | undefined,
  { makePoller, judged }: Trial,
): Promise<Outcome> {
  vi.clearAllTimers();
  Math.random = mulberry32(schedule.randomSeed);
  const world = new World(schedule, scheduler, judged);
  await new Simulation(world, makePoller).run();
  const { violations, ledger } = world.oracle;
  return { violations, delivered: ledger.delivered.filter((id) => world.log.isListed(id)) };
}

/** Resolves when nothing can go on by itself: all that is left waits for a turn or for a timer. */
const allAreWaiting = () => new Promise<void>((resolve) => setImmediate(resolve));

const calmRun: PollerRun = {
  drain: true,
  by: 'batch',
  outcomes: [],
  swallowsErrors: false,
  corruptState: undefined,
};

/** The runs of a schedule, one after the other for each poller, and then runs without faults up to the fixpoint. */
class Simulation {
  readonly #world: World;
  readonly #makePoller: MakePoller;
  readonly #running = new Set<RunningPoller>();

  constructor(world: World, makePoller: MakePoller) {
    this.#world = world;
    this.#makePoller = makePoller;
  }

  async run(): Promise<void> {
    const { runs, pollers } = this.#world.schedule;
    const workers = Array.from({ length: pollers }, async (_, worker) => {
      for (let run = 0; run < runs.length && (run === 0 || this.#world.hasSteps); run++) {
        await this.#runOnce(runs[(worker + run) % runs.length] ?? calmRun);
      }
    });
    await this.#goOnUntil(Promise.all(workers));
    this.#world.dropSteps();
    await this.#reachFixpoint();
  }

  async #runOnce(run: PollerRun): Promise<void> {
    const { stored, schedule, oracle } = this.#world;
    if (run.corruptState !== undefined) this.#world.finishLateCommit();
    const intact = stored.get(key);
    const isCorrupt = run.corruptState !== undefined && intact !== undefined && schedule.pollers === 1;
    if (isCorrupt) stored.set(key, run.corruptState);
    const running = new RunningPoller(this.#world, this.#makePoller, run);
    this.#running.add(running);
    await running.untilEnd();
    this.#running.delete(running);
    if (!isCorrupt) return;
    oracle.observe({ type: 'corrupt run', run: running.record, isIntact: stored.get(key) === run.corruptState });
    stored.set(key, intact);
  }

  /** Two runs without faults reach a state in which a third run finds nothing to do. */
  async #reachFixpoint(): Promise<void> {
    const { oracle, stored } = this.#world;
    await this.#runCalmly();
    await this.#runCalmly();
    if (this.#world.hasFailed) return;
    oracle.observe({ type: 'fixpoint' });
    const delivered = oracle.ledger.delivered.length;
    const state = stored.get(key);
    await this.#runCalmly();
    const hasDelivered = oracle.ledger.delivered.slice(delivered).some((id) => !this.#mayAppear(id));
    oracle.observe({ type: 'third run', hasDelivered, hasSaved: stored.get(key) !== state });
  }

  /**
   * If the order of equal times changes, an event that came too late may be listed above or below the anchor of its instant, and another
   * one above or below the event with which the poller starts.
   */
  #mayAppear(id: string): boolean {
    const { log, oracle } = this.#world;
    const event = log.everListed(id);
    const isTooLate = log.changesOrder && event !== undefined && log.latenessMs(event) > lookbackMs;
    return isTooLate || oracle.ledger.mayCrossStart(id);
  }

  async #runCalmly(): Promise<void> {
    const { log, schedule, oracle } = this.#world;
    if (this.#world.hasFailed) return;
    const pages = Math.ceil(log.listed().length / schedule.log.pageSize) || 1;
    const { by } = schedule.runs.at(-1) ?? calmRun;
    const running = new RunningPoller(this.#world, this.#makePoller, { ...calmRun, by });
    await this.#goOnUntil(running.untilEnd());
    oracle.observe({ type: 'calm run', run: running.record, pages, error: running.error });
  }

  /** Gives the turn to the next poller, or lets the time pass if every poller waits for a timer. */
  async #goOnUntil(end: Promise<unknown>): Promise<void> {
    const { scheduler, oracle } = this.#world;
    let isOver = false;
    const over = end.finally(() => {
      isOver = true;
    });
    for (await allAreWaiting(); !isOver && !this.#world.hasFailed; await allAreWaiting()) {
      if (scheduler && scheduler.count() > 0) await scheduler.waitOne();
      else if (!this.#world.hasSteps && this.#running.size > 0) for (const running of this.#running) running.stop();
      else if (vi.getTimerCount() > 0) vi.advanceTimersToNextTimer();
      else oracle.observe({ type: 'stall' });
    }
    if (isOver) await over;
  }
}
