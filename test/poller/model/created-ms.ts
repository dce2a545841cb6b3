import type { AuditEvent } from 'planetscale-audit';
import { parseTimestamp } from '../../../src/internal/timestamp.ts';

/** The invariants look at every event again and again: without this, parsing would take a third of a simulation. */
const parsed = new Map<string, number | undefined>();
const maxParsed = 100_000;

/** The time of `created_at`; undefined if it cannot be read. */
export function createdMs({ created_at }: Pick<AuditEvent, 'created_at'>): number | undefined {
  if (parsed.has(created_at)) return parsed.get(created_at);
  if (parsed.size === maxParsed) parsed.clear();
  const ms = parseTimestamp(created_at);
  parsed.set(created_at, ms);
  return ms;
}
