/**
 * The result of {@link PlanetScaleAuditClient.verifyAccess}: the credentials can read the audit log, or a reason why not.
 *
 * @category Client
 */
export type AccessReport =
  | {
      /** The credentials can read the audit log. */
      readonly ok: true;
    }
  | {
      /** The client could not read the audit log. */
      readonly ok: false;
      /** The cause. `unreachable` covers every failure that is not a refusal, such as a lost connection or a 500. */
      readonly reason: 'invalid-credentials' | 'unknown-organization' | 'missing-permission' | 'unreachable';
      /** A message for an operator: the problem and what to do about it. */
      readonly message: string;
    };
