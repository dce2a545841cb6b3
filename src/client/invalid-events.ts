import { AuditResponseError, type InvalidAuditEvent } from '../errors.ts';
import { formatIssues } from '../internal/issues.ts';
import type { InvalidEventPolicy } from './options.ts';

/** How many different invalid events are remembered as reported. */
const maxRemembered = 10_000;

/** Does with the events that cannot be read what the client was told to do with them. */
export class InvalidEvents {
  readonly #policy: InvalidEventPolicy;
  readonly #redact: (text: string) => string;
  /** The digests of those that have been reported, the oldest first. */
  readonly #reported = new Set<string>();

  constructor(policy: InvalidEventPolicy, redact: (text: string) => string) {
    this.#policy = policy;
    this.#redact = redact;
  }

  /** @throws AuditResponseError where that is the policy; what the user's function throws */
  async report(invalidEvents: readonly InvalidAuditEvent[]): Promise<void> {
    if (this.#policy === 'throw') throw invalidEventsError(invalidEvents.map((invalid) => this.#redacted(invalid)));
    for (const invalid of invalidEvents) {
      const digest = await sha256(invalid.rawJson); // Of any size: the JSON itself could fill the memory.
      if (this.#reported.has(digest)) continue;
      await this.#policy(invalid);
      this.#reported.add(digest);
      if (this.#reported.size > maxRemembered) this.#reported.delete(this.#reported.values().next().value ?? '');
    }
  }

  /** An error may be logged; what a function of the user's receives is theirs, whole. */
  #redacted({ id, rawJson, issues }: InvalidAuditEvent): InvalidAuditEvent {
    return { id: id === undefined ? undefined : this.#redact(id), rawJson: this.#redact(rawJson), issues };
  }
}

const sha256 = async (text: string): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))).toString();

const invalidEventsError = (invalidEvents: readonly InvalidAuditEvent[]): AuditResponseError => {
  const [first] = invalidEvents;
  const which = first?.id === undefined ? 'one without an id' : `the first is ${first.id}`;
  const what = first && formatIssues(first.issues, 'event');
  return new AuditResponseError(
    `${invalidEvents.length} audit event(s) of a page cannot be read, ${which} (${what}). Their JSON is in error.invalidEvents; give the client an onInvalidEvent function to receive such events and go on with the others.`,
    { issues: invalidEvents.flatMap(({ issues }) => issues), invalidEvents },
  );
};
