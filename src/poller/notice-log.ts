import { excerpt } from '../internal/excerpt.ts';
import { printable } from '../internal/printable.ts';
import type { PollNotice } from './notices.ts';

const minuteMs = 60_000;

const hourMs = 60 * minuteMs;

/** How long a failure has lasted when the log repeats it. After that, the log repeats it at every full hour. */
const remindersMs = [1, 5, 15].map((minutes) => minutes * minuteMs);

/** Prints the notices that a person should look at. A failure that lasts is repeated at growing intervals. */
export class NoticeLog {
  #failingSinceMs: number | undefined;
  #nextReminderMs = 0;

  report(notice: PollNotice): void {
    if (notice.type === 'late-events') return;
    if (notice.type === 'retrying') {
      this.#reportRetry(notice);
      return;
    }
    const { type, ...details } = notice;
    print(`${type}: ${'message' in details ? details.message : JSON.stringify(details)}`);
  }

  /** The operation that failed has succeeded. */
  recovered(): void {
    if (this.#failingSinceMs === undefined) return;
    const seconds = Math.round((performance.now() - this.#failingSinceMs) / 1000);
    this.#failingSinceMs = undefined;
    print(`recovered after ${seconds} s`);
  }

  #reportRetry({ error, attempt, delayMs }: Extract<PollNotice, { readonly type: 'retrying' }>): void {
    const nowMs = performance.now();
    this.#failingSinceMs ??= nowMs;
    const failingMs = nowMs - this.#failingSinceMs;
    if (attempt > 1 && failingMs < this.#nextReminderMs) return;
    this.#nextReminderMs = remindersMs.find((ms) => ms > failingMs) ?? (Math.floor(failingMs / hourMs) + 1) * hourMs;
    const next = `attempt ${attempt} failed, next in ${Math.ceil(delayMs / 1000)} s`;
    print(`retrying (${next}): ${error.message}${causeOf(error)}`);
  }
}

/** Foreign sources and stores write into these lines. */
const print = (line: string): void => console.warn(printable(`planetscale-audit: ${line}`));

/** A store of the user's own says in the cause what happened. The file store says it in the message already. */
const causeOf = ({ message, cause }: Error): string => {
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return '';
  const text = excerpt(String(cause.message));
  return printable(message).includes(text) ? '' : ` Cause: ${text}`;
};
