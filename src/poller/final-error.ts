import { AuditApiError, CursorStoreError, type PlanetScaleAuditError } from '../errors.ts';
import { errorCode, errorName } from '../internal/foreign-error.ts';

/** A file system, or Node itself, answers with these codes until somebody changes the set-up. */
const setUpCodes: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'ELOOP',
  'ENAMETOOLONG',
  'ERR_ACCESS_DENIED',
  'ERR_INVALID_ARG_VALUE',
]);

/** The errors of Deno's permissions. */
const permissionErrors: ReadonlySet<string | undefined> = new Set(['NotCapable', 'PermissionDenied']);

/**
 * Whether an error ends the poller.
 *
 * Some errors come from a wrong set-up if nothing has worked yet, and from a passing fault otherwise: a directory that cannot be
 * written, or a proxy that answers in PlanetScale's place. They end a poller that has not completed a scan. A poller that has,
 * retries them.
 */
export function isFinalError(error: PlanetScaleAuditError, hasCompletedScan: boolean): boolean {
  return isSetUpError(error) ? !hasCompletedScan : !error.retryable;
}

const isSetUpError = (error: PlanetScaleAuditError): boolean => {
  if (error instanceof AuditApiError) return error.fromIntermediary && !error.retryable;
  if (!(error instanceof CursorStoreError) || !error.retryable) return false;
  return setUpCodes.has(errorCode(error.cause)) || permissionErrors.has(errorName(error.cause));
};
