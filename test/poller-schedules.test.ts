import fc from 'fast-check';
import {
  type AuditEvent,
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  PlanetScaleAuditError,
  type PollNotice,
  poller,
  type StartFrom,
} from 'planetscale-audit';
import { type FakePlanetScale, fakePlanetScale } from 'planetscale-audit/testing';
import { expect, test } from 'vitest';
import { credentials } from './support/served.ts';
import { sourceOf } from './support/source.ts';

const minuteMs = 60_000;
const lookbackMs = 10 * minuteMs;

/** What happens to the world between two polls, or between two requests of one. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      count: fc.integer({ min: 1, max: 12 }),
      lateMs: fc.integer({ min: 0, max: lookbackMs - minuteMs }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('backlog' as const), count: fc.integer({ min: 100, max: 300 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 3 * lookbackMs }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('retention' as const), count: fc.integer({ min: 0, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('deletion' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

interface Plan {
  /** What happens before the request of that number. */
  readonly during: readonly (readonly [request: number, Happening])[];
  readonly breakAfter: number | undefined;
  readonly apiFailsAt: number | undefined;
  readonly storeFailsAt: readonly [save: number, effect: 'before' | 'after'] | undefined;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  during: fc.array(fc.tuple(fc.nat(150), happening), { maxLength: 4 }),
  breakAfter: fc.option(fc.nat(30), { nil: undefined }),
  apiFailsAt: fc.option(fc.nat(100), { nil: undefined }),
  storeFailsAt: fc.option(fc.tuple(fc.nat(3), fc.constantFrom('before' as const, 'after' as const)), {
    nil: undefined,
  }),
});
const noFaults: Plan = { during: [], breakAfter: undefined, apiFailsAt: undefined, storeFailsAt: undefined };

const startMs = Date.parse('2026-11-01T00:00:00Z');

const worldOptions = fc.record({
  order: fc.constantFrom('added' as const, 'created' as const),
  unknownCursor: fc.constantFrom('not-found' as const, 'empty' as const, 'first-page' as const),
  pageSize: fc.constantFrom(1, 2, 3, 10, 100),
  filters: fc.constantFrom('honoured' as const, 'ignored' as const),
  startFrom: fc.constantFrom<StartFrom>(
    'oldest',
    'oldest',
    'now',
    { latest: 3 },
    { since: new Date(startMs + 1800_000) },
  ),
  isFiltered: fc.boolean(),
  hasDateHeader: fc.boolean(),
});
type WorldOptions = typeof worldOptions extends fc.Arbitrary<infer Value> ? Value : never;

const wantedAction = 'database.created';
const key = 'planetscale-audit:acme';

/** PlanetScale, a consumer, and what the one has and the other got. */
class World {
  readonly fake: FakePlanetScale;
  readonly notices: PollNotice[] = [];
  readonly delivered: string[] = [];
  /** The events that PlanetScale lists, in the order of adding. */
  readonly listed: AuditEvent[] = [];
  failures = 0;
  readonly #options: WorldOptions;
  #nowMs = startMs;
  /** What was there when the poller began, and need not be delivered. */
  #atStart = new Set<string>();

  constructor(options: WorldOptions) {
    const { order, unknownCursor, pageSize, filters } = options;
    this.#options = options;
    this.fake = fakePlanetScale({
      ...credentials,
      order,
      unknownCursor,
      pageSize,
      filters,
      now: () => new Date(this.#nowMs),
    });
  }

  /** The ids of what is listed and should have been delivered. */
  expected(): string[] {
    const { startFrom, isFiltered } = this.#options;
    const since = typeof startFrom === 'object' && 'since' in startFrom ? startFrom.since.getTime() : 0;
    return this.listed
      .filter(({ id, created_at }) => !this.#atStart.has(id) && Date.parse(created_at) >= since)
      .filter(({ audit_action }) => !isFiltered || audit_action === wantedAction)
      .map(({ id }) => id);
  }

  happen(what: Happening): void {
    if (what.kind === 'time') this.#nowMs += what.ms;
    if (what.kind === 'events') for (let i = 0; i < what.count; i++) this.#add(i % 3 === 0 ? what.lateMs : 0);
    if (what.kind === 'backlog') for (let i = 0; i < what.count; i++) this.#add(0);
    if (what.kind === 'retention') for (const { id } of this.listed.slice(0, what.count)) this.#remove(id);
    if (what.kind === 'deletion') {
      const event = this.listed[Math.floor(what.at * this.listed.length)];
      if (event) this.#remove(event.id);
    }
  }

  /** One poll, as a process of its own would make it. */
  async poll(store: ReturnType<typeof memoryCursorStore>, run: Plan): Promise<void> {
    const { startFrom, isFiltered } = this.#options;
    const events = poller(this.#sourceFor(run, store), {
      store: run.storeFailsAt ? failingOnce(store, ...run.storeFailsAt) : store,
      startFrom,
      actions: isFiltered ? [wantedAction] : undefined,
      lookbackMs,
      drain: true,
      onNotice: async (notice) => void this.notices.push(notice),
    });
    let count = 0;
    try {
      for await (const { id } of events) {
        this.delivered.push(id);
        if (count++ === run.breakAfter) {
          this.failures++;
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof PlanetScaleAuditError)) throw error;
      this.failures++;
    }
  }

  #sourceFor(run: Plan, store: CursorStore): AuditSource {
    const source = sourceOf(this.fake);
    const { startFrom, hasDateHeader } = this.#options;
    const beginsAnywhere = startFrom === 'now' || (typeof startFrom === 'object' && 'latest' in startFrom);
    let request = 0;
    return {
      organization: source.organization,
      page: async (query) => {
        for (const [at, what] of run.during) if (at === request) this.happen(what);
        if (request++ === run.apiFailsAt) this.fake.fail({ status: 500 });
        // While the first walk lasts: a late event may still appear below where it began.
        const isStart = beginsAnywhere && !(await store.get(key));
        if (isStart) this.#atStart = new Set(this.listed.map(({ id }) => id));
        const page = await source.page(query);
        return hasDateHeader ? page : { ...page, servedAt: undefined };
      },
    };
  }

  #add(lateMs: number): void {
    this.#nowMs += 100;
    const created_at = new Date(this.#nowMs - lateMs).toISOString();
    const audit_action = this.#nowMs % 300 ? wantedAction : 'database.deleted';
    this.listed.push(...this.fake.add({ audit_action, created_at }));
  }

  #remove(id: string): void {
    this.fake.remove(id);
    this.listed.splice(
      this.listed.findIndex((event) => event.id === id),
      1,
    );
  }
}

/** A store whose n-th save fails, before it has had its effect or after. */
const failingOnce = (
  store: ReturnType<typeof memoryCursorStore>,
  at: number,
  effect: 'before' | 'after',
): CursorStore => {
  let save = 0;
  return {
    ...store,
    async compareAndSet(key, expected, next) {
      if (save++ !== at) return store.compareAndSet(key, expected, next);
      if (effect === 'after') await store.compareAndSet(key, expected, next);
      throw new Error('The connection to the store was lost.');
    },
  };
};

// SEED=… repeats a run that failed, SCHEDULES=… makes it longer.
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const schedules = Number(process.env.SCHEDULES ?? 400);

test(`no schedule of crashes, errors, late events and deletions loses an event (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const steps = fc.array(fc.tuple(happening, plan), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(worldOptions, steps, async (options, planned) => {
      const world = new World(options);
      const store = memoryCursorStore();
      for (const [what, run] of planned) {
        world.happen(what);
        await world.poll(store, run);
      }
      await world.poll(store, noFaults);
      await world.poll(store, noFaults);

      const delivered = new Set(world.delivered);
      expect(world.expected().filter((id) => !delivered.has(id))).toEqual([]);
      const repeated = world.delivered.length - delivered.size;
      const lostItsAnchors = world.notices.some(({ type }) => type === 'anchor-lost');
      if (!lostItsAnchors) expect(repeated).toBeLessThanOrEqual(100 * world.failures);

      const before = world.delivered.length;
      await world.poll(store, noFaults);
      expect(world.delivered.length).toBe(before);
    }),
    { numRuns: schedules, seed },
  );
});
