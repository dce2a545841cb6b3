import assert from 'node:assert/strict';
import { eventsOf } from './situations.ts';

export const ids = (from: number, to: number): string[] => eventsOf(from, to).map(({ id }) => id);

/** The runs of two pollers, the second of which has the cursor of the first. */
const expectedRuns = [
  { ids: ids(0, 250), notices: ['first-run'], state: 'stopped' },
  { ids: [], notices: [], state: 'stopped' },
];

const showsToken = false;

const expectedFailures = {
  wrongToken: { name: 'AuditApiError', status: 404, retryable: false, showsToken },
  refused: { name: 'AuditConnectionError', retryable: true, showsToken },
  reset: { name: 'AuditConnectionError', retryable: true, showsToken },
  truncated: { name: 'AuditConnectionError', retryable: true, showsToken },
  redirect: { name: 'AuditConnectionError', retryable: false, showsToken },
  timeout: { name: 'AuditConnectionError', retryable: true, showsToken },
  abort: { name: 'TimeoutError', showsToken },
  retried: 'success',
};

/**
 * Compares the result of `consumers/consume.js` with what it must be. `formats` is what Node 24 made of the same events.
 *
 * @throws AssertionError that shows the differences
 */
export const assertResult = (result: unknown, formats: unknown, store: 'file' | 'kv'): void =>
  assert.deepEqual(result, {
    access: { ok: true },
    ids: ids(0, 250).reverse(),
    formats,
    runs: { memory: expectedRuns, [store]: expectedRuns },
    failures: expectedFailures,
  });

/** The two runs of the schedule of `consumers/worker.js`: for each batch the id of its first event, and its size. */
export const expectedSchedule = [
  { outcome: 'ok', batches: { event0: 50, event50: 100, event150: 100 } },
  { outcome: 'ok', batches: { event250: 3 } },
];
