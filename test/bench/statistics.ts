/** The middle of some figures, and the quarters below and above it. */
export interface Spread {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
}

/** Returns the median and the quartiles, with linear interpolation between neighbors. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  return { median: at(sorted, 0.5), lowerQuartile: at(sorted, 0.25), upperQuartile: at(sorted, 0.75) };
}

const at = (sorted: readonly number[], share: number): number => {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
};

/** Returns the items in the order of one round. Each round begins one item later, so that no item always follows the same load. */
export function orderOfRound<Item>(items: readonly Item[], round: number): readonly Item[] {
  const first = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
