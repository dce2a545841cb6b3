/** The costs of one unit of work: an event, a page, a poll or a save. */
export type Sample = Readonly<Partial<Record<Measure, number>>>;

/** What a sample holds. The name ends in the unit. */
export type Measure = 'cpuUs' | 'wallMs' | 'kib' | 'mb' | 'growthMib' | 'kb' | 'requests' | 'savedBytes';

/** A build of the library, and the server to read from. */
export interface Setup {
  readonly library: () => Promise<typeof import('planetscale-audit')>;
  readonly libraryForNode: () => Promise<typeof import('planetscale-audit/node')>;
  /** The directory of the build. */
  readonly dist: string;
  /** The URL of {@link file://./server.ts}, without a slash at its end. */
  readonly serverUrl: string;
}

/** One way to do the work of a row. It runs in a process of its own. */
export interface Contender {
  readonly kind: 'floor' | 'library' | 'peer';
  /** Whether each round needs a new process, as peak memory and imports do. */
  readonly freshProcess?: boolean;
  /** Resolves to the function that does the work of one round. */
  prepare(setup: Setup): Promise<() => Promise<Sample>>;
}

/** One line of the report. */
export interface Figure {
  readonly work: string;
  readonly measure: Measure;
  /** The contender that the figure is about. */
  readonly of: string;
  /** The contender that the figure is compared with. Without it, the figure stands alone. */
  readonly to?: string;
  /** How the two are compared: divided, subtracted, or shown beside each other. The default is `'ratio'`. */
  readonly by?: 'ratio' | 'difference' | 'beside';
  /** The ratio, the difference, or the figure that stands alone should be at most this. */
  readonly target?: number;
}

/** Some ways to do the same work, measured side by side. */
export interface Row {
  /** The name on the command line. */
  readonly name: string;
  readonly rounds: number;
  readonly contenders: Readonly<Record<string, Contender>>;
  readonly figures: readonly Figure[];
}

/** Does the work, and returns its cost for one of its units. CPU time counts all threads of the process, so the collector's too. */
export async function costOf(units: number, work: () => unknown): Promise<{ cpuUs: number; wallMs: number }> {
  const startMs = performance.now();
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return { cpuUs: (user + system) / units, wallMs: (performance.now() - startMs) / units };
}

/** Returns the heap in use after a collection. */
export function heapBytes(): number {
  if (!globalThis.gc) throw new Error('The benchmark started a process without --expose-gc.');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Fails the contender if it did not do the whole work, so that no figure stands for half of it. */
export function expectCount(found: number, expected: number, things: string): void {
  if (found !== expected) throw new Error(`The contender handled ${found} ${things} instead of ${expected}.`);
}
