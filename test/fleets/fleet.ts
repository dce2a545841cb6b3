import type { Delivery } from './verdict.ts';

/** One of the examples with its servers, as a trial sees it. */
export interface Fleet {
  /** The folder in `examples`. */
  readonly name: string;
  /** The variables that lead the programs to the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts to observe, once a program of the example has made its tables. */
  observe(): Promise<void>;
  /** Stops the database at once, without time for its clients, and starts it again after a while. */
  interrupt(downMs: number): Promise<void>;
  deliveries(): Promise<readonly Delivery[]>;
  /** All saved cursors of each organization, in the order in which they were saved. */
  savedStates(): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The time of the last success of each organization. */
  successes(): Promise<ReadonlyMap<string, number>>;
  /** Since when the oldest job has waited, in milliseconds since 1970. Infinity if none waits. */
  waitingSinceMs(): Promise<number>;
  /** All that the engine keeps, as texts, in which no token may be. */
  everythingKept(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const prefix = 'planetscale-audit:';

/** The organization of a cursor's key. */
export const organizationOf = (key: string): string => key.slice(prefix.length);
export const isCursorKey = (key: string): boolean => key.startsWith(prefix);

export const groupByOrganization = (
  saves: readonly { readonly key: string; readonly value: string }[],
): ReadonlyMap<string, readonly string[]> => {
  const groups = new Map<string, string[]>();
  for (const { key, value } of saves) {
    const organization = organizationOf(key);
    groups.set(organization, [...(groups.get(organization) ?? []), value]);
  }
  return groups;
};
