import { AuditResponseError, type InvalidAuditEvent } from '../errors.ts';
import { quote } from '../http/quote.ts';
import type { Redact } from '../http/redact.ts';
import { formatIssues, maxIssues } from '../internal/issues.ts';
import type { InvalidEventPolicy } from './options.ts';

/** The number of reported events that a client remembers. */
const maxRemembered = 10_000;

/** Applies the client's policy to events that cannot be read. */
export class InvalidEvents {
  readonly #policy: InvalidEventPolicy;
  readonly #redact: Redact;
  /**
   * The digests of the reported events, in the order of their reports. An id can be missing or shared. A digest is small, however
   * large the event.
   */
  readonly #reportedDigests = new Set<string>();

  constructor(policy: InvalidEventPolicy, redact: Redact) {
    this.#policy = policy;
    this.#redact = redact;
  }

  /** @throws AuditResponseError if the policy is 'throw', or the error of the user's function */
  async report(invalidEvents: readonly InvalidAuditEvent[]): Promise<void> {
    if (this.#policy === 'throw') throw this.#error(invalidEvents);
    for (const invalid of invalidEvents) {
      const digest = await sha256(invalid.rawJson);
      if (this.#reportedDigests.has(digest)) continue;
      await this.#policy(invalid);
      this.#remember(digest);
    }
  }

  #remember(digest: string): void {
    this.#reportedDigests.add(digest);
    const [oldest = ''] = this.#reportedDigests;
    if (this.#reportedDigests.size > maxRemembered) this.#reportedDigests.delete(oldest);
  }

  /** An error may end up in a log, so it holds no secret. The user's function receives the event unchanged. */
  #error(invalidEvents: readonly InvalidAuditEvent[]): AuditResponseError {
    const redacted = invalidEvents.map(({ id, rawJson, issues }) => ({
      id: id === undefined ? undefined : this.#redact(id),
      rawJson: this.#redact(rawJson),
      issues,
    }));
    const [first] = invalidEvents;
    const firstId = first?.id === undefined ? 'the first has no id' : `the first is ${quote(first.id, this.#redact)}`;
    const firstIssues = first && quote(formatIssues(first.issues, 'event'), this.#redact);
    return new AuditResponseError(
      `PlanetScale gave a page with ${invalidEvents.length} audit event(s) that cannot be read (${firstId}: ${firstIssues}). Their JSON is in error.invalidEvents. To receive such events and continue with the others, give the client an onInvalidEvent function.`,
      {
        issues: redacted
          .slice(0, maxIssues)
          .flatMap(({ issues }) => issues)
          .slice(0, maxIssues),
        invalidEvents: redacted,
      },
    );
  }
}

const sha256 = async (text: string): Promise<string> =>
  String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
