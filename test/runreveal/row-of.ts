import type { RunRevealContext } from '../../src/runreveal/context.ts';
import type { RunRevealRow } from '../../src/runreveal/row/columns.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { eventWith } from '../support/arbitrary-events.ts';

export const receivedAt = new Date('2026-11-22T11:00:00.999Z');

/** The row of the public sample with these changes, received at {@link receivedAt}. */
export const rowOf = (changes: Record<string, unknown> = {}, context: RunRevealContext = {}): RunRevealRow =>
  toRunRevealRow(eventWith(changes), { receivedAt, ...context });
