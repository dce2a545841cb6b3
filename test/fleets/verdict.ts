/** One event of one batch that arrived at the destination. */
export interface Delivery {
  readonly organization: string;
  readonly id: string;
  /** Names the write that the event came with. */
  readonly batch: string;
}

type Ids = ReadonlyMap<string, readonly string[]>;

/** The ids that each organization has received. */
export function deliveredIds(deliveries: readonly Delivery[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const { organization, id } of deliveries) all.set(organization, (all.get(organization) ?? new Set()).add(id));
  return all;
}

export const lostEvents = (ledger: Ids, deliveries: readonly Delivery[]): readonly string[] => {
  const delivered = deliveredIds(deliveries);
  return [...ledger].flatMap(([organization, ids]) => ids.filter((id) => !delivered.get(organization)?.has(id)));
};

/** Events that arrived under an organization that never had them. */
export const foreignEvents = (ledger: Ids, deliveries: readonly Delivery[]): readonly string[] => {
  const sets = new Map([...ledger].map(([organization, ids]) => [organization, new Set(ids)]));
  return deliveries.filter(({ organization, id }) => !sets.get(organization)?.has(id)).map(({ id }) => id);
};

/** Counts what arrived more than once, and the batches with which it came again. */
export function repetitions(deliveries: readonly Delivery[]): { readonly events: number; readonly batches: number } {
  const seen = new Set<string>();
  const batches = new Set<string>();
  let events = 0;
  for (const { id, batch } of deliveries) {
    if (seen.has(id)) {
      events++;
      batches.add(batch);
    }
    seen.add(id);
  }
  return { events, batches: batches.size };
}

interface SavedState {
  readonly anchors: readonly (readonly [id: string, createdAt: string])[];
  readonly seen: readonly (readonly [id: string, createdAt: string])[];
}

const parseState = (text: string): SavedState => JSON.parse(text.slice(text.indexOf('{')));

/** Counts the saves of one organization after which an event counts as new that was done before. */
export function savesThatGoBack(idsInOrder: readonly string[], saved: readonly string[]): number {
  const positions = new Map(idsInOrder.map((id, position) => [id, position]));
  let count = 0;
  let done = new Set<string>();
  for (const { anchors, seen } of saved.map(parseState)) {
    const anchorAt = positions.get(anchors[0]?.[0] ?? '') ?? -1;
    const seenNow = new Set(seen.map(([id]) => id));
    const isDone = (id: string) => seenNow.has(id) || (positions.get(id) ?? Number.POSITIVE_INFINITY) <= anchorAt;
    if (![...done].every(isDone)) count++;
    done = new Set([...seenNow, ...idsInOrder.slice(0, anchorAt + 1)]);
  }
  return count;
}
