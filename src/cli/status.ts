import { classifyError } from '../errors.ts';
import { UsageError } from './flags.ts';

/** What the command line ends with. A second signal ends it with 128 and the signal's number. */
export const exitStatus = { ok: 0, failure: 1, usage: 2, missingEvents: 3, accessRefused: 4 } as const;

export function statusOf(error: unknown): number {
  if (error instanceof UsageError) return exitStatus.usage;
  const { kind } = classifyError(error);
  if (kind === 'configuration') return exitStatus.usage;
  return kind === 'access' ? exitStatus.accessRefused : exitStatus.failure;
}
