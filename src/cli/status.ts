import { AuditApiError, AuditConfigError } from '../errors.ts';
import { UsageError } from './flags.ts';

/** What the command line ends with. A second signal ends it with 128 and the signal's number. */
export const exitStatus = { ok: 0, failure: 1, usage: 2, accessRefused: 4 } as const;

const refusedStatuses: readonly number[] = [401, 403, 404];

export function statusOf(error: unknown): number {
  if (error instanceof UsageError || error instanceof AuditConfigError) return exitStatus.usage;
  const isRefused = error instanceof AuditApiError && !error.fromIntermediary && refusedStatuses.includes(error.status);
  return isRefused ? exitStatus.accessRefused : exitStatus.failure;
}
