import { AuditResponseError } from '../errors.ts';

export const inconsistentPagesError = (reason: string): AuditResponseError =>
  new AuditResponseError(
    `PlanetScale gave pages that contradict each other (${reason}). Events may have been deleted meanwhile. Start the iteration again.`,
  );
